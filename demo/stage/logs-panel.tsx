/** The partitions as horizontal logs, all to one scale. */
import { useParts } from '../app/parts.js'
import { useSelected } from '../app/use-cell.js'
import type { PartitionView } from '../cluster/cluster-view.js'
import { formatCount } from '../format.js'
import { GROUP } from '../names.js'
import { Panel } from '../shell/panel.js'
import { TabLabel } from '../shell/tab-label.js'
import { tabMarks } from '../shell/tab-marks.js'

interface Scale {
  readonly start: number
  readonly length: number
}

export function LogsPanel() {
  const { demo, actions } = useParts()
  const partitions = useSelected(demo.shown, ({ view }) => view?.partitions) ?? []
  const start = Math.min(...partitions.map((one) => one.start))
  const end = Math.max(...partitions.map((one) => one.end))
  const scale = { start, length: Math.max(1, end - start) }
  const buttons = (
    <div class="buttons">
      <button type="button" onClick={() => void actions.replay()}>
        Replay from the beginning
      </button>
      <button type="button" onClick={() => void actions.clear()}>
        Clear the topic
      </button>
    </div>
  )
  return (
    <Panel title="The topic" class="logs-panel" aside={buttons}>
      <p class="hint">
        Each bar is a log. Messages are added on the right. The filled part is done. Colour and
        pattern are those of the tab that works on it now.
      </p>
      <ol id="partitions" class="partitions">
        {partitions.map((one) => (
          <Partition key={one.partition} view={one} scale={scale} />
        ))}
      </ol>
      {partitions.length === 0 && <p class="hint">Waiting for the broker.</p>}
    </Panel>
  )
}

function Partition({ view, scale }: { view: PartitionView; scale: Scale }) {
  const { partition, start, end, owner, groups } = view
  const percent = (offset: number) => `${((offset - scale.start) / scale.length) * 100}%`
  const width = (from: number, to: number) => `${((to - from) / scale.length) * 100}%`
  const committed = groups.find(({ groupId }) => groupId === GROUP)?.committed ?? start
  const done = Math.max(start, committed)
  const lines = groups.map(
    (group) =>
      `${group.groupId}: committed ${group.committed === undefined ? 'nothing yet' : formatCount(group.committed)}, lag ${formatCount(group.lag)}`,
  )
  return (
    <li class="partition" data-partition={partition} {...tabMarks(owner)}>
      <h3 class="partition-name">Partition {partition}</h3>
      <TabLabel name={owner} />
      <div
        class="log"
        role="img"
        aria-label={`Log from offset ${start} to ${end}. ${lines.join('. ')}`}
      >
        <div class="log-stored" style={{ left: percent(start), width: width(start, end) }} />
        <div class="log-done" style={{ left: percent(start), width: width(start, done) }} />
        {groups.map(({ groupId, committed: mark }) =>
          mark === undefined ? null : (
            <div key={groupId} class="log-mark" style={{ left: percent(Math.max(start, mark)) }} />
          ),
        )}
      </div>
      <p class="log-groups">{lines.length === 0 ? 'no group yet' : lines.join(' · ')}</p>
      <p class="log-offsets">
        start {formatCount(start)}, end {formatCount(end)}
      </p>
    </li>
  )
}
