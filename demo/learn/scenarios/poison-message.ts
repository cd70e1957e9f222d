import { DEAD_ROWS } from '../../names.js'
import { queueStateOf } from '../../queue/queue-state.js'
import { handledSince, troubles } from '../conditions.js'
import type { Scenario, Seen } from '../scenario.js'

const isFailing = ({ now }: Seen) => troubles(now).some((text) => text.startsWith('Fails'))

export const poisonMessage: Scenario = {
  id: 'poison-message',
  title: 'A poison message',
  summary: 'In a log it holds up its partition; in a queue it ends as a dead letter.',
  steps: [
    {
      title: 'A handler that always throws',
      text: [
        'Some messages can never be handled: they are broken, or what they are about is gone. Send one, while others flow.',
        'Its handler throws. The message comes again, a little later each time, and none of its partition after it: otherwise the order would be broken.',
      ],
      actions: [
        {
          label: 'Start the flow',
          run: ({ demo }) => {
            demo.generator.setRate(100)
            if (!demo.generator.isOn.value) demo.generator.toggle()
          },
        },
        { label: 'Send a poison message', run: ({ actions }) => actions.sendPoison() },
      ],
      isDone: (seen) => isFailing(seen),
      waitingFor: 'Waiting for a handler to fail.',
      done: 'The card of the tab that has it says where it fails, and how often it has tried.',
    },
    {
      title: 'One partition stands',
      text: [
        'Look at the logs: in one partition the mark stands still and the lag grows; the other partitions go on. A reload or another tab would not help: whoever gets the partition gets the message.',
      ],
      isDone: (seen) => isFailing(seen) && handledSince(seen) > 100,
      waitingFor: 'Waiting until the others have handled a hundred more.',
      done: 'A log waits. That is right where the next step rests on the one before, and a nuisance elsewhere.',
    },
    {
      title: 'Set it aside',
      text: [
        'What to do is for the app to say. Here its handlers are told to put such a message into the topic `rows.dead`, and to go on.',
      ],
      actions: [
        { label: 'Set it aside', run: ({ demo }) => demo.setAside.policy.set('set aside') },
      ],
      isDone: (seen) =>
        !isFailing(seen) &&
        seen.now.state?.topics.some(({ topic }) => topic === DEAD_ROWS) === true,
      waitingFor: 'Waiting until no handler fails.',
      done: 'The partition catches up. Choose `rows.dead` as the topic to see the message there.',
    },
    {
      title: 'The same in a queue',
      text: [
        'A *share group* deals out messages, not partitions. Work on jobs in this tab, add twenty, and one that always fails: the others are not held up by it.',
        'It is tried five times, later each time. Then it is a *dead letter*, which takes about ten seconds.',
      ],
      actions: [
        { label: 'Work on jobs', run: ({ demo }) => demo.jobs.start() },
        {
          label: 'Add 20, and one that fails',
          run: async ({ demo }) => {
            demo.generator.stop()
            await demo.jobs.add(1, { isPoison: true })
            await demo.jobs.add(20, { isPoison: false })
          },
        },
      ],
      isDone: ({ now }) => now.state !== undefined && queueStateOf(now.state).deadLetters > 0,
      waitingFor: 'Waiting for a dead letter.',
      done: 'It is in `jobs.dead`, with headers that say why. “Send the dead letters back” tries it again.',
    },
  ],
}
