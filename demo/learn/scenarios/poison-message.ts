import { DEAD_ROWS } from '../../names.js'
import { deadLettersOf, handledSince, isFailing, recordsIn } from '../conditions.js'
import { atWork, failing, flow, notFailing, toBegin } from '../needs.js'
import type { Scenario, StepAction } from '../scenario.js'
import { sendPoison, setAside, startFlow } from '../step-actions.js'

const RATE = 100

const workOnJobs: StepAction = { label: 'Work on jobs', run: ({ demo }) => demo.jobs.start() }

const addJobs: StepAction = {
  label: 'Add 20, and one that fails',
  run: async ({ actions, demo }) => {
    actions.stopFlows()
    await demo.jobs.add(1, { isPoison: true })
    await demo.jobs.add(20, { isPoison: false })
  },
}

export const poisonMessage: Scenario = {
  id: 'poison-message',
  title: 'A poison message',
  summary: 'In a log it holds up its partition; in a queue it ends as a dead letter.',
  // Whether or not a handler has come to it: what lies before it may take a while.
  putBack: {
    deed: 'poison sent',
    undo: ({ demo }) => {
      const { policy } = demo.setAside
      if (policy.value === 'set aside') return undefined
      policy.set('set aside')
      return 'the poison message is set aside'
    },
  },
  steps: [
    {
      title: 'A handler that always throws',
      text: [
        'Some messages can never be handled: they are broken, or what they are about is gone. Send one, while others flow.',
        'Its handler throws. The message comes again, a little later each time, and none of its partition after it: otherwise the order would be broken.',
      ],
      shows: ['tabs'],
      needs: [atWork, toBegin(notFailing)],
      actions: [startFlow(RATE), sendPoison],
      isDone: ({ now, since }) => isFailing(now) && !isFailing(since),
      waitingFor: 'Waiting for a handler to fail.',
      done: 'The card of the tab that has it says where it fails, and how often it has tried.',
    },
    {
      title: 'One partition stands',
      text: [
        'Look at the logs: in one partition the mark stands still and the lag grows; the other partitions go on. A reload or another tab would not help: whoever gets the partition gets the message.',
      ],
      shows: ['logs'],
      needs: [atWork, flow(RATE), failing],
      isDone: (seen) => isFailing(seen.now) && handledSince(seen) > 100,
      waitingFor: 'Waiting until the others have handled a hundred more.',
      done: 'A log waits. That is right where the next step rests on the one before, and a nuisance elsewhere.',
    },
    {
      title: 'Set it aside',
      text: [
        'What to do is for the app to say. Here its handlers are told to put such a message into the topic `rows.dead`, and to go on.',
      ],
      shows: ['tabs', 'logs'],
      needs: [atWork, toBegin(failing)],
      actions: [setAside],
      isDone: ({ now, since }) =>
        !isFailing(now) && recordsIn(now, DEAD_ROWS) > recordsIn(since, DEAD_ROWS),
      waitingFor: 'Waiting until no handler fails, and `rows.dead` has one more.',
      done: 'The partition catches up. Choose `rows.dead` as the topic to see the message there.',
    },
    {
      title: 'The same in a queue',
      text: [
        'A *share group* deals out messages, not partitions. Work on jobs in this tab, add twenty, and one that always fails: the others are not held up by it.',
        'It is tried five times, later each time. Then it is a *dead letter*, which takes about ten seconds.',
      ],
      shows: ['queue'],
      needs: [],
      actions: [workOnJobs, addJobs],
      isDone: ({ now, since }) => deadLettersOf(now) > deadLettersOf(since),
      waitingFor: 'Waiting for one more dead letter.',
      done: 'It is in `jobs.dead`, with headers that say why. “Send the dead letters back” tries it again.',
    },
  ],
}
