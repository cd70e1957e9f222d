/** What moved partitions, and how long it took. */
import { useParts } from '../app/parts.js'
import { useSelected } from '../app/use-cell.js'
import type { TabName } from '../cluster/cluster-view.js'
import { formatDuration, formatQuantity, formatTime } from '../format.js'
import { Panel } from '../shell/panel.js'
import { tabMarks } from '../shell/tab-marks.js'
import { movedIn, type Rebalance } from './rebalances.js'

export function TimelinePanel() {
  const { demo } = useParts()
  const rebalances = useSelected(demo.shown, (shown) => shown.rebalances)
  return (
    <Panel title="Rebalances" class="timeline-panel">
      {rebalances.length === 0 ? (
        <p class="hint timeline-empty">
          None since this page was opened. Open or close a tab, and partitions change hands.
        </p>
      ) : (
        <ol id="rebalances" class="timeline" tabIndex={0} aria-label="Rebalances, the newest first">
          {rebalances.map((one) => (
            <Entry key={one.id} rebalance={one} />
          ))}
        </ol>
      )}
    </Panel>
  )
}

function Entry({ rebalance }: { rebalance: Rebalance }) {
  const { why, fromEpoch, toEpoch, before, after, startedAtMs, tookMs } = rebalance
  const moved = movedIn(rebalance)
  return (
    <li class="rebalance" data-took={tookMs}>
      <p class="rebalance-why">
        <time>{formatTime(startedAtMs)}</time> {sentence(why)}
      </p>
      <p class="rebalance-how">
        <span class="owners">
          <Owners owners={before} label="before" /> → <Owners owners={after} label="after" />
        </span>
        <span class="hint">
          {moved === 0 ? 'nothing moved' : `${formatQuantity(moved, 'partition')} moved`} · epoch{' '}
          {fromEpoch} → {toEpoch} · {describeTime(tookMs)}
        </span>
      </p>
    </li>
  )
}

/** States come no oftener than that. */
const EXACT_TO_MS = 50

function describeTime(tookMs: number | undefined): string {
  if (tookMs === undefined) return 'moving…'
  return tookMs < EXACT_TO_MS ? `within ${EXACT_TO_MS} ms` : formatDuration(tookMs)
}

/** A square per partition, with the tab's number in it. */
function Owners({ owners, label }: { owners: readonly (TabName | undefined)[]; label: string }) {
  const text = owners.map((owner, index) => `${index}: ${owner?.text ?? 'nobody'}`).join(', ')
  return (
    <span class="squares" role="img" aria-label={`${label}: ${text}`}>
      {owners.map((owner, partition) => (
        <i key={partition} {...tabMarks(owner)}>
          {owner?.number ?? ''}
        </i>
      ))}
    </span>
  )
}

function sentence(why: readonly string[]): string {
  const text = why.join(', ')
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`
}
