import {
  handledByEachSince,
  handledSince,
  isAllHandled,
  rebalancesSince,
  workingTabs,
} from '../conditions.js'
import { anotherTab, atWork, flow, noFault, onlyThisTab, seenRebalance, toBegin } from '../needs.js'
import type { Scenario } from '../scenario.js'
import { closeATab, openATab, startFlow, stopFlow } from '../step-actions.js'

const RATE = 100

export const rebalance: Scenario = {
  id: 'rebalance',
  title: 'A rebalance',
  summary: 'A second tab takes half of the partitions, and gives them back when it closes.',
  steps: [
    {
      title: 'One tab does it all',
      text: [
        'The topic has six *partitions*. A tab is a member of the group `workers`; as long as it is the only one, all six are its own: they have its name and its colour.',
        'Let some messages flow, a hundred a second. Each goes to the partition that its key leads to, and this tab handles them all.',
      ],
      shows: ['logs'],
      needs: [atWork, onlyThisTab],
      actions: [startFlow(RATE)],
      isDone: (seen) => handledSince(seen) > 100,
      waitingFor: 'Waiting for the first messages.',
      done: 'Records arrive at the right, and turn to the colour of the tab that has handled them.',
    },
    {
      title: 'A second tab',
      text: [
        'Open another tab. It is a real one, with a script of its own; all that it shares with this one is the broker.',
        'It joins the group. The broker makes a new *assignment*, with a new *epoch*, and asks this tab to let go of three partitions. This tab finishes the message in hand, commits how far it got, and lets go. Only then the other one gets them.',
      ],
      shows: ['tabs', 'logs'],
      needs: [atWork, toBegin(onlyThisTab), flow(RATE)],
      actions: [openATab],
      isDone: (seen) => workingTabs(seen.now).length >= 2 && rebalancesSince(seen).length > 0,
      waitingFor: 'Waiting for a second tab to have partitions.',
      done: 'The other tab has its share: look at the names of the partitions, and at the new colour in their logs.',
    },
    {
      title: 'What it cost',
      text: [
        'Under *Rebalances* there is an entry for it: why it came, which epoch followed which, who had each partition before and after, and how long it took until everything was where it belongs.',
        'Only what had to move has moved; the other partitions were handled all the while. Go on when both have handled some more.',
      ],
      shows: ['rebalances'],
      needs: [atWork, anotherTab, seenRebalance, flow(RATE)],
      isDone: (seen) => {
        const handled = handledByEachSince(seen)
        return handled.length >= 2 && handled.every((count) => count > 20)
      },
      waitingFor: 'Waiting until both have handled some more.',
      done: 'Both tabs work, each on its own partitions.',
    },
    {
      title: 'It closes',
      text: [
        'Close the other tab, by the button or by hand. Its last act is to commit what it has handled. The broker hears of its end by a lock that the browser frees, and gives its partitions to those who are left.',
      ],
      shows: ['tabs', 'rebalances'],
      needs: [atWork, anotherTab, flow(RATE)],
      actions: [closeATab],
      isDone: (seen) =>
        workingTabs(seen.now).length < workingTabs(seen.since).length &&
        rebalancesSince(seen).length > 0,
      waitingFor: 'Waiting for one tab less.',
      done: 'The partitions are back, and go on from the last commit.',
    },
    {
      title: 'Nothing lost, nothing twice',
      text: [
        'Stop the flow, in all tabs, and let the last messages be handled. Then look at the *checker* at the top: it does not ask the broker, but adds up what each tab has written down of what it sent and handled.',
      ],
      shows: ['checker'],
      needs: [noFault, atWork, toBegin(flow(RATE))],
      actions: [stopFlow],
      isDone: isAllHandled,
      waitingFor: 'Waiting until nobody sends and nothing waits.',
      done: 'All that was sent was handled, and the checker has found no fault.',
    },
  ],
}
