/** One exchange: where its bindings lead, and what has become of what was published to it. */
import { useState } from 'preact/hooks'
import type { Binding, BindingToMake, ExchangeDescription, Tabmq } from '../../index.js'
import { formatCount } from '../format/format.js'
import { useCluster, useConsole } from '../parts/console-context.js'
import { DataTable, type Column } from '../parts/data-table.js'
import { Confirm, type Done } from '../parts/dialog.js'
import { Back, Empty, Facts } from '../parts/facts.js'
import { AddBinding } from './add-binding.js'
import { PublishMessage } from './publish-message.js'

export function ExchangePage({ name }: { readonly name: string }) {
  const { go } = useConsole()
  const exchange = useCluster().exchanges.find((one) => one.exchange === name)
  return (
    <>
      <Back to="All exchanges" onClick={() => go({ view: 'exchanges' })} />
      {exchange === undefined ? (
        <Empty>
          <p>There is no exchange “{name}”, or not any more.</p>
        </Empty>
      ) : (
        <Exchange exchange={exchange} />
      )}
    </>
  )
}

type Open = 'publish' | 'bind' | 'delete' | Binding | undefined

function Exchange({ exchange }: { readonly exchange: ExchangeDescription }) {
  const { writer } = useConsole()
  const [open, setOpen] = useState<Open>()
  const { counters, bindings } = exchange
  const close = () => setOpen(undefined)
  return (
    <>
      <div class="head">
        <h2>{exchange.exchange}</h2>
        {writer !== undefined && (
          <>
            <button type="button" onClick={() => setOpen('publish')}>
              Publish a message
            </button>
            <button type="button" onClick={() => setOpen('bind')}>
              Add binding
            </button>
            <button type="button" class="danger" onClick={() => setOpen('delete')}>
              Delete exchange
            </button>
          </>
        )}
      </div>
      <Facts
        facts={[
          ['Type', exchange.type],
          ['Alternate', exchange.alternateExchange ?? 'none'],
          ['Published', formatCount(counters.published)],
          ['Routed', formatCount(counters.routed)],
          ['Dropped', formatCount(counters.dropped)],
          ['Refused as mandatory', formatCount(counters.unroutable)],
        ]}
      />
      <section class="section">
        <h3>Bindings</h3>
        {bindings.length === 0 ? (
          <p class="muted">None: what is published goes to the alternate exchange, or nowhere.</p>
        ) : (
          <Bindings bindings={bindings} onUnbind={setOpen} />
        )}
      </section>
      {open === 'publish' && <PublishMessage exchange={exchange} onClose={close} />}
      {open === 'bind' && <AddBinding exchange={exchange} onClose={close} />}
      {open === 'delete' && <DeleteExchange exchange={exchange} onClose={close} />}
      {typeof open === 'object' && (
        <RemoveBinding exchange={exchange.exchange} binding={open} onClose={close} />
      )}
    </>
  )
}

function targetText({ topic, toExchange }: Binding): string {
  return topic === undefined ? `exchange ${toExchange}` : `topic ${topic}`
}

function headersText({ headers }: Binding): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}`)
    .join(', ')
}

/** What tells a binding from others to the same target. */
function conditionText(binding: Binding): string {
  const { routingKey, headers, match } = binding
  const count = Object.keys(headers).length
  return [
    routingKey === '' ? '' : ` by “${routingKey}”`,
    count === 0 ? '' : ` by the headers ${headersText(binding)}`,
    count > 1 ? ` (${match})` : '',
  ].join('')
}

const NONE = <span class="muted">none</span>

interface BindingsProps {
  readonly bindings: readonly Binding[]
  readonly onUnbind: (binding: Binding) => void
}

function Bindings({ bindings, onUnbind }: BindingsProps) {
  const { go, writer } = useConsole()
  const columns: readonly Column<Binding>[] = [
    {
      title: 'Leads to',
      order: targetText,
      cell: (binding) => (
        <button
          type="button"
          class="link"
          onClick={() =>
            go(
              binding.topic === undefined
                ? { view: 'exchanges', name: binding.toExchange }
                : { view: 'topics', name: binding.topic },
            )
          }
        >
          {targetText(binding)}
        </button>
      ),
    },
    {
      title: 'Routing key',
      order: ({ routingKey }) => routingKey,
      cell: ({ routingKey }) =>
        routingKey === '' ? NONE : <code class="break">{routingKey}</code>,
    },
    {
      title: 'Headers',
      cell: (binding) => {
        const count = Object.keys(binding.headers).length
        if (count === 0) return NONE
        return (
          <>
            <code class="break">{headersText(binding)}</code>
            {count > 1 && <span class="muted"> ({binding.match})</span>}
          </>
        )
      },
    },
    { title: 'Weight', isNumber: true, cell: ({ weight }) => weight },
    ...(writer === undefined
      ? []
      : [
          {
            title: 'Action',
            isActions: true,
            cell: (binding: Binding) => (
              <button type="button" class="danger" onClick={() => onUnbind(binding)}>
                Remove
                <span class="hidden">
                  {' '}
                  the binding to {targetText(binding)} {binding.routingKey}
                </span>
              </button>
            ),
          },
        ]),
  ]
  return (
    <DataTable
      caption="Bindings"
      columns={columns}
      rows={bindings}
      rowKey={(binding) =>
        [targetText(binding), binding.routingKey, headersText(binding), binding.match].join(' ')
      }
      isSearchable
    />
  )
}

interface RemoveBindingProps {
  readonly exchange: string
  readonly binding: Binding
  readonly onClose: () => void
}

function RemoveBinding({ exchange, binding, onClose }: RemoveBindingProps) {
  const unbind = async (writer: Tabmq): Promise<Done> => {
    await writer.admin().unbind(toOptions(exchange, binding))
    return { said: `The binding of ${exchange} to ${targetText(binding)} was removed.` }
  }
  return (
    <Confirm
      title={`Remove a binding of ${exchange}?`}
      action="Remove binding"
      lost={[`the way from ${exchange} to ${targetText(binding)}${conditionText(binding)}`]}
      onSubmit={unbind}
      onClose={onClose}
    />
  )
}

function toOptions(exchange: string, binding: Binding): BindingToMake {
  const { topic, toExchange, routingKey, headers, match, weight } = binding
  const target = topic === undefined ? { toExchange: toExchange as string } : { topic }
  return { exchange, ...target, routingKey, headers, match, weight }
}

interface DeleteExchangeProps {
  readonly exchange: ExchangeDescription
  readonly onClose: () => void
}

function DeleteExchange({ exchange: { exchange, bindings }, onClose }: DeleteExchangeProps) {
  const { exchanges } = useCluster()
  const leading = exchanges.filter((one) =>
    one.bindings.some(({ toExchange }) => toExchange === exchange),
  )
  const remove = async (writer: Tabmq): Promise<Done> => {
    await writer.admin().deleteExchange(exchange)
    return { said: `Exchange ${exchange} was deleted.`, goTo: { view: 'exchanges' } }
  }
  return (
    <Confirm
      title={`Delete exchange ${exchange}?`}
      action="Delete exchange"
      lost={[
        'the exchange: whatever publishes to it fails from then on',
        ...bindings.map(
          (binding) => `its binding to ${targetText(binding)}${conditionText(binding)}`,
        ),
        ...leading.map((one) => `the bindings of ${one.exchange} that lead to it`),
      ]}
      onSubmit={remove}
      onClose={onClose}
    />
  )
}
