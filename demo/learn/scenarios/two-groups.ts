import { GROUP, SECOND_GROUP } from '../../names.js'
import {
  areAllMembers,
  committedOf,
  handledSince,
  isAhead,
  isGroupEmpty,
  lagOf,
  sentSince,
} from '../conditions.js'
import {
  atWork,
  secondGroup,
  toBegin,
  unreadForSecondGroup,
  unreadForWorkers,
  workersStopped,
} from '../needs.js'
import type { Moment, Scenario, StepFact } from '../scenario.js'
import { sendFlights, startAll, startSecondGroup, stopAll } from '../step-actions.js'

const FLIGHTS = 2_000
const READ = 100

/** Of both groups, beside each other. */
function lags(now: Moment): readonly StepFact[] {
  return [GROUP, SECOND_GROUP].map((group) => ({
    name: `Lag of ${group}`,
    value: lagOf(now, group),
  }))
}

export const twoGroups: Scenario = {
  id: 'two-groups',
  title: 'Two groups on one topic',
  summary: 'Each group reads everything, at its own pace: reading takes nothing away.',
  putBack: {
    deed: 'workers stopped',
    undo: ({ actions, demo }, { wereStopped }) => {
      const { isStarted } = demo.worker.status(performance.now())
      if (wereStopped || (isStarted && areAllMembers(demo.shown.value))) return undefined
      actions.startAll()
      return 'all workers have started'
    },
  },
  steps: [
    {
      title: 'Something to read',
      text: [
        'A log is not a queue: who reads it does not empty it. Send 2,000 flights of the United States; the group `workers` handles them.',
      ],
      shows: ['logs'],
      needs: [atWork],
      actions: [sendFlights],
      facts: lags,
      isDone: (seen) => sentSince(seen) >= FLIGHTS,
      waitingFor: 'Waiting for 2,000 messages.',
      done: 'They are there.',
    },
    {
      title: 'A second group',
      text: [
        'Start a second group in this tab, `auditors`. Where it has read nothing yet it begins at the beginning, and it is slower: its marks, △ below the logs, run after those of the first.',
        'The two know nothing of each other. Each has its own members, offsets and lag.',
      ],
      shows: ['logs'],
      needs: [toBegin(unreadForSecondGroup)],
      actions: [startSecondGroup],
      facts: lags,
      isDone: ({ now, since }) =>
        now.isSecondOn && committedOf(now, SECOND_GROUP) >= committedOf(since, SECOND_GROUP) + READ,
      waitingFor: 'Waiting for the second group to have read something.',
      done: 'A log has two marks now: each is where its group is.',
    },
    {
      title: 'One stops, the other goes on',
      text: [
        'Stop all workers of the first group, and send 2,000 flights more. Nobody handles them for `workers`: its lag stays. The second group does not care, and reads on.',
      ],
      shows: ['logs'],
      needs: [secondGroup, toBegin(atWork)],
      actions: [stopAll, sendFlights],
      facts: lags,
      isDone: (seen) =>
        isGroupEmpty(seen.now) &&
        sentSince(seen) > 0 &&
        lagOf(seen.now) > 0 &&
        isAhead(seen.now, SECOND_GROUP, GROUP),
      waitingFor:
        'Waiting until the first group is empty, and the second has read what the first has not.',
      done: 'The group `workers` has no members, and something to do. Its offsets are kept.',
    },
    {
      title: 'Where it left off',
      text: ['Start the workers again: they go on at their own last commit.'],
      shows: ['logs'],
      needs: [secondGroup, toBegin(workersStopped), toBegin(unreadForWorkers)],
      actions: [startAll],
      facts: lags,
      isDone: (seen) =>
        handledSince(seen) > 0 &&
        seen.now.view?.broker.groupState === 'stable' &&
        lagOf(seen.now) === 0,
      waitingFor: 'Waiting until the first group has caught up.',
      done: 'The first has handled what came while it was away. The second keeps its own pace.',
    },
  ],
}
