/** What this tab is doing. */
import { useParts } from '../app/parts.js'
import { useSelected } from '../app/use-cell.js'
import { formatCount, formatKey, formatRate, formatValue } from '../format.js'
import { Fact, Facts } from '../shell/facts.js'
import { Panel } from '../shell/panel.js'
import type { WorkerStatus } from '../worker/tab-worker.js'

export function ThisTabPanel() {
  const { demo, actions } = useParts()
  const { worker } = demo
  const status = useSelected(demo.shown, (shown) => shown.worker)
  const toggle = () => void (status.isStarted ? actions.stopWorker() : actions.startWorker())
  return (
    <Panel title="This tab’s worker" class="this-tab">
      <Facts>
        <Fact name="State" id="tab-state" state={status.state}>
          {status.state}
        </Fact>
        <Fact name="Handled" id="tab-handled">
          {formatCount(status.handled)}
        </Fact>
        <Fact name="A second" id="tab-rate">
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
      </div>
    </Panel>
  )
}

function describeLast(last: WorkerStatus['last']): string {
  if (last === undefined) return 'None yet.'
  const { partition, message } = last
  const place = `partition ${partition}, offset ${message.offset}`
  return `${formatKey(message.key)} (${place}): ${formatValue(message.value)}`
}
