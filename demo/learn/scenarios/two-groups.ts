import { SECOND_GROUP } from '../../names.js'
import { committedOf, lagOf, sentSince } from '../conditions.js'
import type { Scenario } from '../scenario.js'

export const twoGroups: Scenario = {
  id: 'two-groups',
  title: 'Two groups on one topic',
  summary: 'Each group reads everything, at its own pace: reading takes nothing away.',
  steps: [
    {
      title: 'Something to read',
      text: [
        'A log is not a queue: who reads it does not empty it. Send 2,000 flights of the United States; the group `workers` handles them.',
      ],
      actions: [
        { label: 'Send 2,000 flights', run: ({ actions }) => actions.sendDataSetById('flights') },
      ],
      isDone: (seen) => sentSince(seen) >= 2_000,
      waitingFor: 'Waiting for 2,000 messages.',
      done: 'They are there.',
    },
    {
      title: 'A second group',
      text: [
        'Start a second group in this tab, `auditors`. It has read nothing yet, so it begins at the beginning, and it is slower: its marks, △ below the logs, run after those of the first.',
        'The two know nothing of each other. Each has its own members, offsets and lag.',
      ],
      actions: [
        {
          label: 'Start the second group',
          run: async ({ actions, demo }) => {
            if (!demo.secondGroup.isOn.value) await actions.toggleSecondGroup()
          },
        },
      ],
      isDone: ({ now }) => committedOf(now, SECOND_GROUP) > 100,
      waitingFor: 'Waiting for the second group to have read something.',
      done: 'There are two marks in each log.',
    },
    {
      title: 'One stops, the other goes on',
      text: ['Stop all workers of the first group. The second does not care.'],
      actions: [{ label: 'Stop all workers', run: ({ actions }) => actions.stopAll() }],
      isDone: ({ now, since }) =>
        now.view?.broker.groupState === 'empty' &&
        committedOf(now, SECOND_GROUP) > committedOf(since, SECOND_GROUP),
      waitingFor: 'Waiting until the first group is empty and the second has read more.',
      done: 'The group `workers` has no members. Its offsets are kept.',
    },
    {
      title: 'Where it left off',
      text: ['Start the workers again: they go on at their own last commit.'],
      actions: [{ label: 'Start all workers', run: ({ actions }) => actions.startAll() }],
      isDone: ({ now }) =>
        now.view?.broker.groupState === 'stable' &&
        lagOf(now) === 0 &&
        lagOf(now, SECOND_GROUP) === 0,
      waitingFor: 'Waiting until both groups have read everything.',
      done: 'Both have read all of it, each once.',
    },
  ],
}
