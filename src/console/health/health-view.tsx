/** The broker itself: which one it is, who is connected, how much is stored. */
import type { BrokerLimits, ClusterDescription, SessionDescription } from '../../index.js'
import { errorText } from '../format/error-text.js'
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatRate,
  formatShortId,
  formatTimestamp,
} from '../format/format.js'
import { useCluster, useConsole } from '../parts/console-context.js'
import { DataTable, type Column } from '../parts/data-table.js'
import { Facts } from '../parts/facts.js'
import { useAsked } from '../parts/use-asked.js'
import { useNowMs } from '../parts/use-clock.js'
import { shareFigures } from '../share-groups/share-figures.js'
import { topicFigures } from '../topics/topic-figures.js'

const ASK_EVERY_MS = 3_000

export function HealthView() {
  const { session, state } = useConsole()
  const cluster = useCluster()
  const nowMs = useNowMs()
  const ask = () => session.admin.describeCluster()
  const { value: description, error } = useAsked(ask, cluster.incarnation, ASK_EVERY_MS)
  const figures = cluster.topics.map(topicFigures)
  const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0)
  const unwritten = sum(
    cluster.topics.flatMap(({ partitions }) =>
      partitions.map(({ logEndOffset, highWatermark }) => logEndOffset - highWatermark),
    ),
  )
  const { startedAtMs, protocolVersion } = description ?? {}
  return (
    <>
      <div class="head">
        <h2>Health</h2>
      </div>
      {error !== undefined && <p class="error">{errorText(error)}</p>}
      <section class="section">
        <h3>Broker</h3>
        <Facts
          facts={[
            ['Incarnation', <code class="break">{cluster.incarnation}</code>],
            ['Epoch: brokers so far', formatCount(cluster.brokerEpoch)],
            ['Started', startedAtMs === undefined ? '…' : formatTimestamp(startedAtMs)],
            [
              'Running for',
              startedAtMs === undefined ? '…' : formatDuration(Math.max(0, nowMs - startedAtMs)),
            ],
            ['Protocol', protocolVersion ?? '…'],
            ['Tabs connected', formatCount(cluster.sessions.length)],
          ]}
        />
      </section>
      <section class="section">
        <h3>Storage</h3>
        <Storage description={description} />
        <p class="muted">
          What is readable is on the disk: written relaxed with <code>acks: 1</code>, strict with{' '}
          <code>acks: -1</code>.
        </p>
        <Facts
          facts={[
            ['Messages', formatCount(sum(figures.map(({ messages }) => messages)))],
            ['Of these not durable yet', formatCount(unwritten)],
            ['Size of all logs', formatBytes(sum(figures.map(({ sizeBytes }) => sizeBytes)))],
            ['Written', formatRate(sum([...state.rates.topics.values()]))],
          ]}
        />
      </section>
      <section class="section">
        <h3>Counters since the broker started</h3>
        <Counters />
      </section>
      <section class="section">
        <h3>Tabs</h3>
        <Sessions sessions={cluster.sessions} nowMs={nowMs} />
      </section>
      {description?.limits !== undefined && (
        <section class="section">
          <h3>Limits</h3>
          <Limits limits={description.limits} />
        </section>
      )}
    </>
  )
}

function Storage({ description }: { readonly description: ClusterDescription | undefined }) {
  const { usageBytes, quotaBytes, persisted } = description?.storage ?? {}
  const unknown = description === undefined ? '…' : 'not told'
  const share =
    usageBytes === undefined || quotaBytes === undefined || quotaBytes === 0
      ? undefined
      : usageBytes / quotaBytes
  return (
    <>
      <Facts
        facts={[
          ['Used by this origin', usageBytes === undefined ? unknown : formatBytes(usageBytes)],
          ['Quota', quotaBytes === undefined ? unknown : formatBytes(quotaBytes)],
          [
            'Used',
            share === undefined ? unknown : `${(share * 100).toFixed(share < 0.1 ? 2 : 0)} %`,
          ],
          [
            'Persisted',
            persisted === undefined ? unknown : persisted ? 'yes' : 'no: the browser may delete it',
          ],
        ]}
      />
    </>
  )
}

function Counters() {
  const { topics, shareGroups, exchanges } = useCluster()
  const shares = shareGroups.map(shareFigures)
  const sum = (numbers: readonly number[]) =>
    formatCount(numbers.reduce((total, one) => total + one, 0))
  return (
    <Facts
      facts={[
        ['Repeats not stored', sum(topics.map(({ deduplicated }) => deduplicated))],
        ['Delivered in share groups', sum(shares.map(({ delivered }) => delivered))],
        ['Accepted', sum(shares.map(({ accepted }) => accepted))],
        ['Dead letters', sum(shares.map(({ deadLettered }) => deadLettered))],
        ['Dropped by share groups', sum(shares.map(({ dropped }) => dropped))],
        ['Published to exchanges', sum(exchanges.map(({ counters }) => counters.published))],
        [
          'Published to nowhere',
          sum(exchanges.map(({ counters }) => counters.dropped + counters.unroutable)),
        ],
      ]}
    />
  )
}

function Limits({ limits }: { readonly limits: BrokerLimits }) {
  const columns: readonly Column<readonly [string, number]>[] = [
    { title: 'Limit', order: ([name]) => name, cell: ([name]) => <code>{name}</code> },
    { title: 'Value', isNumber: true, cell: ([name, value]) => limitText(name, value) },
  ]
  return (
    <DataTable
      caption="Limits"
      columns={columns}
      rows={Object.entries(limits) as [string, number][]}
      rowKey={([name]) => name}
      isSearchable
    />
  )
}

/** The name says of what unit it is. */
function limitText(name: string, value: number): string {
  if (/Bytes(Max)?$/.test(name)) return formatBytes(value)
  return /Ms(Min|Max)?$/.test(name) ? formatDuration(value) : formatCount(value)
}

interface SessionsProps {
  readonly sessions: readonly SessionDescription[]
  readonly nowMs: number
}

function Sessions({ sessions, nowMs }: SessionsProps) {
  const columns: readonly Column<SessionDescription>[] = [
    {
      title: 'Session',
      cell: ({ sessionId }) => <code>{formatShortId(sessionId)}</code>,
    },
    { title: 'Client', cell: ({ clientId }) => <span class="break">{clientId}</span> },
    {
      title: 'Connected for',
      isNumber: true,
      order: ({ connectedAtMs }) => -connectedAtMs,
      cell: ({ connectedAtMs }) => formatDuration(Math.max(0, nowMs - connectedAtMs)),
    },
  ]
  return (
    <DataTable
      caption="Tabs that are connected"
      columns={columns}
      rows={sessions}
      rowKey={({ sessionId }) => sessionId}
    />
  )
}
