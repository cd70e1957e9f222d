/** One store: its entries, by key, a page at a time. */
import { useState } from 'preact/hooks'
import type { Tabmq } from '../../index.js'
import { errorText } from '../format/error-text.js'
import { formatQuantity } from '../format/format.js'
import { jsonText } from '../format/json-text.js'
import { useConsole } from '../parts/console-context.js'
import { DataTable, type Column } from '../parts/data-table.js'
import { Confirm, type Done } from '../parts/dialog.js'
import { TextField } from '../parts/fields.js'
import { Back, Empty } from '../parts/facts.js'
import { PutEntry } from './put-entry.js'
import { useAsked } from '../parts/use-asked.js'

const ASK_EVERY_MS = 2_000
const PAGE = 100
const PREVIEW_CHARS = 400

type Entry = readonly [key: string, value: unknown]
type Open = 'put' | 'clear' | { readonly type: 'change' | 'delete'; readonly entry: Entry }

export function StorePage({ name }: { readonly name: string }) {
  const { go, session, state, writer } = useConsole()
  const [prefix, setPrefix] = useState('')
  const [limit, setLimit] = useState(PAGE)
  const [open, setOpen] = useState<Open>()
  const incarnation = state.cluster?.incarnation ?? ''
  const entries = useAsked(
    () => session.mq.store(name).entries({ prefix, limit: limit + 1 }),
    [name, prefix, limit, incarnation].join('\n'),
    ASK_EVERY_MS,
  )
  const shown = entries.value?.slice(0, limit) ?? []
  const hasMore = (entries.value?.length ?? 0) > limit
  const close = () => setOpen(undefined)
  return (
    <>
      <Back to="All stores" onClick={() => go({ view: 'stores' })} />
      <div class="head">
        <h2>{name}</h2>
        {writer !== undefined && (
          <>
            <button type="button" onClick={() => setOpen('put')}>
              Put an entry
            </button>
            <button type="button" class="danger" onClick={() => setOpen('clear')}>
              Clear store
            </button>
          </>
        )}
      </div>
      <TextField
        label="Keys that begin with"
        value={prefix}
        onInput={(text) => {
          setPrefix(text)
          setLimit(PAGE)
        }}
        isMono
      />
      {entries.error !== undefined && <p class="error">{errorText(entries.error)}</p>}
      {entries.value !== undefined &&
        (shown.length === 0 ? (
          <Empty>
            <p>There are no such entries.</p>
          </Empty>
        ) : (
          <Entries entries={shown} onOpen={setOpen} />
        ))}
      {hasMore && (
        <div>
          <button type="button" onClick={() => setLimit(limit + PAGE)}>
            More
          </button>
        </div>
      )}
      {open === 'put' && <PutEntry store={name} onClose={close} onDone={entries.again} />}
      {open === 'clear' && (
        <ClearStore
          name={name}
          shown={shown.length}
          hasMore={hasMore || prefix !== ''}
          onClose={close}
        />
      )}
      {typeof open === 'object' && open.type === 'change' && (
        <PutEntry store={name} entry={open.entry} onClose={close} onDone={entries.again} />
      )}
      {typeof open === 'object' && open.type === 'delete' && (
        <DeleteEntry name={name} entry={open.entry} onClose={close} onDone={entries.again} />
      )}
    </>
  )
}

interface EntriesProps {
  readonly entries: readonly Entry[]
  readonly onOpen: (open: Open) => void
}

function Entries({ entries, onOpen }: EntriesProps) {
  const { writer } = useConsole()
  const columns: readonly Column<Entry>[] = [
    { title: 'Key', cell: ([key]) => <code class="break wide">{key}</code> },
    {
      title: 'Value',
      cell: ([, value]) => {
        const { text, isCut } = jsonText(value, { charsMax: PREVIEW_CHARS })
        return (
          <code class="break">
            {text}
            {isCut && '…'}
          </code>
        )
      },
    },
    ...(writer === undefined
      ? []
      : [
          {
            title: 'Actions',
            isActions: true,
            cell: (entry: Entry) => (
              <span class="row nowrap">
                <button type="button" onClick={() => onOpen({ type: 'change', entry })}>
                  Change<span class="hidden"> {entry[0]}</span>
                </button>
                <button
                  type="button"
                  class="danger"
                  onClick={() => onOpen({ type: 'delete', entry })}
                >
                  Delete<span class="hidden"> {entry[0]}</span>
                </button>
              </span>
            ),
          },
        ]),
  ]
  return <DataTable caption="Entries" columns={columns} rows={entries} rowKey={([key]) => key} />
}

interface ClearStoreProps {
  readonly name: string
  readonly shown: number
  readonly hasMore: boolean
  readonly onClose: () => void
}

function ClearStore({ name, shown, hasMore, onClose }: ClearStoreProps) {
  const clear = async (writer: Tabmq): Promise<Done> => {
    await writer.store(name).clear()
    return { said: `Store ${name} was cleared.`, goTo: { view: 'stores' } }
  }
  const count = hasMore
    ? 'all its entries, more than are shown'
    : formatQuantity(shown, 'entry', 'entries')
  return (
    <Confirm
      title={`Clear store ${name}?`}
      action="Clear store"
      lost={[`${count}: what groups count into it begins anew, while their offsets stay`]}
      onSubmit={clear}
      onClose={onClose}
    />
  )
}

interface DeleteEntryProps {
  readonly name: string
  readonly entry: Entry
  readonly onClose: () => void
  readonly onDone: () => void
}

function DeleteEntry({ name, entry: [key, value], onClose, onDone }: DeleteEntryProps) {
  const remove = async (writer: Tabmq): Promise<Done> => {
    await writer.store(name).delete(key)
    onDone()
    return { said: `${key} was deleted.` }
  }
  return (
    <Confirm
      title={`Delete ${key}?`}
      action="Delete entry"
      lost={[`the value of ${key} in ${name}: ${jsonText(value, { charsMax: 200 }).text}`]}
      onSubmit={remove}
      onClose={onClose}
    />
  )
}
