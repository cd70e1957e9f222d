/** What this tab is doing, and what became of its partitions lately. */
import { useParts } from '../app/parts.js'
import { useCell, useSelected } from '../app/use-cell.js'
import { formatCount, formatKey, formatRate, formatTime, formatValue } from '../format.js'
import { Fact, Facts } from '../shell/facts.js'
import { Panel } from '../shell/panel.js'
import { describeEvent, type RebalanceEvent } from '../worker/rebalance-log.js'
import type { WorkerStatus } from '../worker/tab-worker.js'

export function ThisTabPanel() {
  const { demo, actions } = useParts()
  const { worker } = demo
  const status = useSelected(demo.shown, (shown) => shown.worker)
  const toggle = () => void (status.isStarted ? actions.stopWorker() : actions.startWorker())
  return (
    <Panel title="This tab" class="this-tab">
      <Facts>
        <Fact name="State" id="tab-state" state={status.state}>
          {status.state}
        </Fact>
        <Fact name="Handled since loading" id="tab-handled">
          {formatCount(status.handled)}
        </Fact>
        <Fact name="Per second" id="tab-rate">
          {formatRate(status.perSecond)}
        </Fact>
      </Facts>
      <dl class="last-message">
        <dt>Last message</dt>
        <dd id="tab-last">{describeLast(status.last)}</dd>
      </dl>
      <div class="buttons">
        <button
          type="button"
          aria-pressed={status.isPaused}
          onClick={() => worker.setPaused(!status.isPaused)}
        >
          {status.isPaused ? 'Resume' : 'Pause'}
        </button>
        <button type="button" onClick={toggle}>
          {status.isStarted ? 'Stop the worker' : 'Start the worker'}
        </button>
        <button
          type="button"
          aria-pressed={status.skipsNext}
          onClick={() => worker.setSkipNext(!status.skipsNext)}
        >
          {status.skipsNext ? 'Skipping the next one' : 'Skip one message'}
        </button>
      </div>
      <WorkTime />
      <h3>What happened to its partitions</h3>
      <Events events={status.events} />
    </Panel>
  )
}

function WorkTime() {
  const { workMs } = useParts().demo
  const ms = useCell(workMs.cell)
  return (
    <p class="field">
      <label for="work-ms">Work per message, in all tabs</label>
      <input
        id="work-ms"
        type="range"
        min="0"
        max="50"
        step="1"
        value={ms}
        onInput={({ currentTarget }) => workMs.set(Number(currentTarget.value))}
      />
      <output for="work-ms">{ms} ms</output>
    </p>
  )
}

function Events({ events }: { events: readonly RebalanceEvent[] }) {
  if (events.length === 0) return <p class="hint">Nothing yet.</p>
  return (
    <ol class="events">
      {events.map((event) => (
        <li key={`${event.atMs} ${event.what}`}>
          <time>{formatTime(event.atMs)}</time> {describeEvent(event)}
        </li>
      ))}
    </ol>
  )
}

function describeLast(last: WorkerStatus['last']): string {
  if (last === undefined) return 'None yet.'
  const { partition, message } = last
  const place = `partition ${partition}, offset ${message.offset}`
  return `${formatKey(message.key)} (${place}): ${formatValue(message.value)}`
}
