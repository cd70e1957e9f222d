import { handledSince, isAllHandled, rebalancesSince, workingTabs } from '../conditions.js'
import { aCrash, anotherTab, atWork, flow, noFault, toBegin } from '../needs.js'
import type { Scenario } from '../scenario.js'
import { goToStep, openATab, startFlow, stopFlow } from '../step-actions.js'

const RATE = 200
const ID = 'crash'

export const crash: Scenario = {
  id: ID,
  title: 'At least once, and a crash',
  summary: 'What a tab had handled and could not commit comes again, and is counted.',
  steps: [
    {
      title: 'Two tabs at work',
      text: [
        'A handler that has done its work and a commit that says so are two things. Between the two, a tab may die.',
        'For that, have two tabs, and enough to do for both: two hundred messages a second.',
      ],
      shows: ['tabs', 'logs'],
      needs: [atWork],
      actions: [openATab, startFlow(RATE)],
      isDone: (seen) => workingTabs(seen.now).length >= 2 && handledSince(seen) > RATE,
      waitingFor: 'Waiting for two tabs that both have partitions, and for messages.',
      done: 'The mark ▼ of each log runs a little behind the colour: what lies between is handled and not committed yet.',
    },
    {
      title: 'One of them crashes',
      text: [
        'No page can crash itself, but you can do it: go to the *other* tab, type `chrome://crash` into its address bar, and come back. (In other browsers, end its process in the task manager.) This is not like closing it: the tab has no last word.',
        'The browser frees the lock of a dead tab, so the broker still hears of it at once, and the partitions move.',
      ],
      shows: ['tabs', 'rebalances'],
      needs: [atWork, anotherTab, flow(RATE)],
      isDone: (seen) =>
        (seen.now.verdict?.crashes ?? 0) > (seen.since.verdict?.crashes ?? 0) &&
        rebalancesSince(seen).length > 0,
      waitingFor: 'Waiting for a tab to vanish without a goodbye.',
      done: 'A tab is gone, and said nothing.',
    },
    {
      title: 'Again, and why',
      text: [
        'The last few messages of the dead tab were handled, and not committed. Whoever has its partitions now begins at the last commit, and so handles them *again*: that is what *at least once* means.',
        'Stop the flow and look at the checker. It counts them under `handled twice`, in amber rather than red, since it knows of the crash. If it shows none, the tab died right after a commit: that happens, too. What must not count twice goes into a *store*, in one transaction with the commit.',
      ],
      shows: ['checker'],
      needs: [noFault, atWork, aCrash(goToStep(ID, 2, 'To the step before')), toBegin(flow(RATE))],
      actions: [stopFlow],
      isDone: isAllHandled,
      waitingFor: 'Waiting until nobody sends and nothing waits.',
      done: 'Nothing is lost. If something came twice, the checker names the tab that had died.',
    },
  ],
}
