/** The queue's panel: adds jobs, works on them, shows who has what, and sends dead letters back. */
import { useParts } from '../app/parts.js'
import { useCell, useSelected } from '../app/use-cell.js'
import { formatCount, formatQuantity } from '../format.js'
import { ActionButton } from '../shell/action-button.js'
import { Fact, Facts } from '../shell/facts.js'
import { Panel } from '../shell/panel.js'
import { TabLabel } from '../shell/tab-label.js'
import { tabMarks } from '../shell/tab-marks.js'
import { queueStateOf, type JobsInHand } from './queue-state.js'

const JOBS_AT_ONCE = 20
const NOTHING = { waiting: 0, delayed: 0, done: 0, releases: 0, deadLetters: 0, inHand: [] }

export function QueuePanel() {
  const { demo } = useParts()
  const { jobs } = demo
  const state = useSelected(demo.shown, (shown) => shown.state)
  const isWorking = useCell(jobs.isWorking)
  const queue = state === undefined ? NOTHING : queueStateOf(state)
  return (
    <Panel title="A queue of jobs" class="queue-panel">
      <p class="hint">
        A share group: any tab gets the next job when it is free, whatever the partitions. Jobs take
        up to two seconds. One that fails is tried again later, five times in all; then it is a dead
        letter.
      </p>
      <div class="buttons">
        <ActionButton
          doing="add jobs"
          onClick={() => void jobs.add(JOBS_AT_ONCE, { isPoison: false })}
        >
          Add {JOBS_AT_ONCE} jobs
        </ActionButton>
        <ActionButton
          doing="add a job that fails"
          onClick={() => void jobs.add(1, { isPoison: true })}
        >
          Add one that fails
        </ActionButton>
        <button type="button" aria-pressed={isWorking} onClick={() => void jobs.toggle()}>
          {isWorking ? 'Stop working on jobs' : 'Work on jobs in this tab'}
        </button>
        <ActionButton
          doing="redrive"
          disabled={queue.deadLetters === 0}
          onClick={() => void jobs.redrive()}
        >
          Send the dead letters back
        </ActionButton>
      </div>
      <Facts>
        <Fact name="Waiting" id="job-waiting">
          {formatCount(queue.waiting)}
        </Fact>
        <Fact name="For later" id="job-delayed">
          {formatCount(queue.delayed)}
        </Fact>
        <Fact name="Done" id="job-done">
          {formatCount(queue.done)}
        </Fact>
        <Fact name="Failed tries" id="job-releases">
          {formatCount(queue.releases)}
        </Fact>
        <Fact name="Dead letters" id="job-dead">
          {formatCount(queue.deadLetters)}
        </Fact>
      </Facts>
      <p class="hint">
        What was done, and tries that failed, are counted since the broker started.
      </p>
      {queue.inHand.length === 0 ? (
        <p id="job-tabs-empty" class="hint">
          No tab works on jobs.
        </p>
      ) : (
        <ul id="job-tabs" class="tabs">
          {queue.inHand.map((one) => (
            <TabWithJobs key={one.tab.text} {...one} />
          ))}
        </ul>
      )}
    </Panel>
  )
}

function TabWithJobs({ tab, jobs, deliveryCount }: JobsInHand) {
  const tries = deliveryCount > 1 ? `, one of them for the ${ordinal(deliveryCount)} time` : ''
  return (
    <li class="tab" {...tabMarks(tab)}>
      <h3>
        <TabLabel name={tab} />
      </h3>
      <p class="hint">
        {jobs === 0 ? 'has nothing to do' : `${formatQuantity(jobs, 'job')} in hand${tries}`}
      </p>
    </li>
  )
}

function ordinal(count: number): string {
  return ['', 'first', 'second', 'third', 'fourth', 'fifth'][count] ?? `${count}th`
}
