/** All stores, or one of them. */
import type { StoreListing } from '../../index.js'
import { errorText } from '../format/error-text.js'
import { useConsole } from '../parts/console-context.js'
import { DataTable, type Column } from '../parts/data-table.js'
import { Empty } from '../parts/facts.js'
import { compareNames } from '../parts/natural-order.js'
import { StorePage } from './store-page.js'
import { useAsked } from '../parts/use-asked.js'

const ASK_EVERY_MS = 2_000

export function StoresView() {
  const { route } = useConsole()
  return route.name === undefined ? <StoreList /> : <StorePage name={route.name} />
}

function StoreList() {
  const { session, state, go } = useConsole()
  const incarnation = state.cluster?.incarnation ?? ''
  const stores = useAsked(() => session.admin.listStores(), incarnation, ASK_EVERY_MS)
  const columns: readonly Column<StoreListing>[] = [
    {
      title: 'Store',
      order: ({ store }) => store,
      cell: ({ store }) => (
        <button type="button" class="link" onClick={() => go({ view: 'stores', name: store })}>
          {store}
        </button>
      ),
    },
  ]
  return (
    <>
      <div class="head">
        <h2>Stores</h2>
      </div>
      {stores.error !== undefined && <p class="error">{errorText(stores.error)}</p>}
      {stores.value?.length === 0 && (
        <Empty>
          <p>There are no stores.</p>
          <p class="muted">
            A store of keys and values (<code>mq.store</code>) begins with its first entry.
          </p>
        </Empty>
      )}
      {stores.value !== undefined && stores.value.length > 0 && (
        <DataTable
          caption="Stores"
          columns={columns}
          rows={stores.value.toSorted((a, b) => compareNames(a.store, b.store))}
          rowKey={({ store }) => store}
          isSearchable
        />
      )}
    </>
  )
}
