/** One record with all that it has: read from the log when it is picked. */
import { useEffect, useState } from 'preact/hooks'
import type { FetchedMessage } from '../../src/index.js'
import { useParts } from '../app/parts.js'
import { useSelected } from '../app/use-cell.js'
import { describeError } from '../describe-error.js'
import { formatCount, formatKey, formatDateTime, formatWholeValue } from '../format.js'
import { TOPIC } from '../names.js'
import { TabLabel } from '../shell/tab-label.js'
import type { LaneSelection } from './lane-stage.js'
import type { LaneView } from './lane-view.js'
import { readRecord } from './record-reader.js'
import { tabName } from '../cluster/cluster-view.js'
import { clientIdOf } from '../tab-identity.js'

/** Whoever holds an arrow key down does not want each record read. */
const READ_AFTER_MS = 120

export interface InspectorProps {
  readonly topic: string
  readonly selected: LaneSelection | undefined
  readonly lanes: readonly LaneView[]
}

export function RecordInspector({ topic, selected, lanes }: InspectorProps) {
  const { admin } = useParts().demo
  const [record, setRecord] = useState<FetchedMessage | undefined>(undefined)
  const [problem, setProblem] = useState<string | undefined>(undefined)
  const { partition, offset } = selected ?? {}
  useEffect(() => {
    setRecord(undefined)
    setProblem(undefined)
    if (partition === undefined || offset === undefined) return
    let isWanted = true
    const timer = setTimeout(() => {
      readRecord(admin, { topic, partition, offset }).then(
        (found) => isWanted && setRecord(found),
        (error: unknown) => isWanted && setProblem(describeError(error)),
      )
    }, READ_AFTER_MS)
    return () => {
      clearTimeout(timer)
      isWanted = false
    }
  }, [admin, topic, partition, offset])

  return (
    <div id="record" class="record" aria-live="off">
      {selected === undefined ? (
        <p class="hint">
          Click a record, or move to a lane and use the arrow keys, to see what is in it.
        </p>
      ) : (
        <>
          <div class="record-side" tabIndex={0} role="group" aria-label="Record">
            <dl class="record-facts">
              <dt>Offset</dt>
              <dd>
                {formatCount(selected.offset)} <span class="hint">of partition {partition}</span>
              </dd>
              <dt>Key</dt>
              <dd class="mono">{record === undefined ? '…' : formatKey(record.key)}</dd>
              <dt>Sent at</dt>
              <dd>{record === undefined ? '…' : formatDateTime(record.timestamp)}</dd>
              <dt>Delivered</dt>
              <dd>
                <Deliveries topic={topic} selected={selected} lanes={lanes} />
              </dd>
              <dt>Headers</dt>
              <dd class="mono">{record === undefined ? '…' : formatHeaders(record)}</dd>
            </dl>
          </div>
          <pre class="record-value" tabIndex={0} role="group" aria-label="Value">
            {problem ?? (record === undefined ? '' : formatWholeValue(record.value))}
          </pre>
        </>
      )}
    </div>
  )
}

/** How often, and to whom: the ledger knows it of the demo's topic, the broker of queues. */
function Deliveries({ topic, selected, lanes }: InspectorProps & { selected: LaneSelection }) {
  const { demo } = useParts()
  const verdict = useSelected(demo.shown, (shown) => shown.verdict)
  const contains = ({ first, last }: { first: number; last: number }) =>
    first <= selected.offset && selected.offset <= last
  if (topic === TOPIC) {
    const spans = verdict?.spansOf(selected.partition).filter(contains) ?? []
    if (spans.length === 0) return <span class="hint">not yet</span>
    return (
      <>
        {spans.length === 1 ? 'once, to ' : `${spans.length} times, last to `}
        <TabLabel name={tabName(clientIdOf(spans.at(-1)?.tab ?? 0))} />
      </>
    )
  }
  const lane = lanes.find(({ partition }) => partition === selected.partition)
  const lock = lane?.locks.find(contains)
  if (lock !== undefined) {
    return (
      <>
        {lock.deliveryCount === 1 ? 'once' : `${lock.deliveryCount} times`}, now to{' '}
        <TabLabel name={lock.tab} />
      </>
    )
  }
  const done = lane?.marks.some(({ offset }) => offset !== undefined && offset > selected.offset)
  return <span class="hint">{done === true ? 'done' : 'waiting'}</span>
}

function formatHeaders({ headers }: FetchedMessage): string {
  const all = Object.entries(headers).map(([name, value]) => {
    const text = typeof value === 'string' ? value : '(bytes)'
    return `${name}: ${text}`
  })
  return all.length === 0 ? 'none' : all.join('\n')
}
