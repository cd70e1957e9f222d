/** All exchanges, or one of them. */
import { useState } from 'preact/hooks'
import type { ExchangeDescription } from '../../index.js'
import { formatCount } from '../format/format.js'
import { useCluster, useConsole } from '../parts/console-context.js'
import { DataTable, type Column } from '../parts/data-table.js'
import { Empty } from '../parts/facts.js'
import { DeclareExchange } from './declare-exchange.js'
import { ExchangePage } from './exchange-page.js'

export function ExchangesView() {
  const { route } = useConsole()
  return route.name === undefined ? <ExchangeList /> : <ExchangePage name={route.name} />
}

function ExchangeList() {
  const { go, writer } = useConsole()
  const { exchanges } = useCluster()
  const [isDeclaring, setDeclaring] = useState(false)
  const declare = writer !== undefined && (
    <button type="button" class="primary" onClick={() => setDeclaring(true)}>
      New exchange
    </button>
  )
  const number = (
    title: string,
    of: (one: ExchangeDescription) => number,
  ): Column<ExchangeDescription> => ({
    title,
    isNumber: true,
    order: of,
    cell: (one) => formatCount(of(one)),
  })
  const columns: readonly Column<ExchangeDescription>[] = [
    {
      title: 'Exchange',
      order: ({ exchange }) => exchange,
      cell: ({ exchange }) => (
        <button
          type="button"
          class="link"
          onClick={() => go({ view: 'exchanges', name: exchange })}
        >
          {exchange}
        </button>
      ),
    },
    { title: 'Type', order: ({ type }) => type, cell: ({ type }) => type },
    number('Bindings', ({ bindings }) => bindings.length),
    number('Published', ({ counters }) => counters.published),
    number('Routed', ({ counters }) => counters.routed),
    number('Went nowhere', ({ counters }) => counters.dropped + counters.unroutable),
    {
      title: 'Alternate',
      cell: ({ alternateExchange }) => alternateExchange ?? <span class="muted">none</span>,
    },
  ]
  return (
    <>
      <div class="head">
        <h2>Exchanges</h2>
        {exchanges.length > 0 && declare}
      </div>
      {exchanges.length === 0 ? (
        <Empty>
          <p>There are no exchanges.</p>
          <p class="muted">
            An exchange leads what is published to it to topics, by bindings. It is made by{' '}
            <code>admin.declareExchange</code>
            {writer !== undefined && ', or here'}.
          </p>
          {declare}
        </Empty>
      ) : (
        <>
          <DataTable
            caption="Exchanges"
            columns={columns}
            rows={exchanges}
            rowKey={({ exchange }) => exchange}
            isSearchable
          />
          <p class="muted">What was published is counted since the broker started.</p>
        </>
      )}
      {isDeclaring && <DeclareExchange onClose={() => setDeclaring(false)} />}
    </>
  )
}
