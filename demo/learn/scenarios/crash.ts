import { handledSince, rebalancesSince, waiting, workingTabs } from '../conditions.js'
import type { Scenario } from '../scenario.js'

export const crash: Scenario = {
  id: 'crash',
  title: 'At least once, and a crash',
  summary: 'What a tab had handled and could not commit comes again, and is counted.',
  steps: [
    {
      title: 'Two tabs at work',
      text: [
        'A handler that has done its work and a commit that says so are two things. Between the two, a tab may die.',
        'For that, have two tabs, and enough to do for both: two hundred messages a second.',
      ],
      actions: [
        { label: 'Open a tab', run: ({ actions }) => actions.openTabs(1) },
        {
          label: 'Start the flow',
          run: ({ demo }) => {
            demo.generator.setRate(200)
            if (!demo.generator.isOn.value) demo.generator.toggle()
          },
        },
      ],
      isDone: (seen) => workingTabs(seen.now).length >= 2 && handledSince(seen) > 200,
      waitingFor: 'Waiting for two tabs that both have partitions, and for messages.',
      done: 'The mark ▼ of each log runs a little behind the colour: what lies between is handled and not committed yet.',
    },
    {
      title: 'One of them crashes',
      text: [
        'No page can crash itself, but you can do it: go to the *other* tab, type `chrome://crash` into its address bar, and come back. (In other browsers, end its process in the task manager.) This is not like closing it: the tab has no last word.',
        'The browser frees the lock of a dead tab, so the broker still hears of it at once, and the partitions move.',
      ],
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
        'The checker counts them under `handled twice`, in amber rather than red, since it knows of the crash. If it shows none, the tab died right after a commit: that happens, too. What must not count twice goes into a *store*, in one transaction with the commit.',
      ],
      actions: [{ label: 'Stop the flow', run: ({ demo }) => demo.generator.stop() }],
      isDone: ({ now, demo }) => !demo.generator.isOn.value && waiting(now) === 0,
      waitingFor: 'Waiting until the flow has stopped and nothing waits.',
      done: 'Nothing is lost. What came twice is named, with the tab that had died.',
    },
  ],
}
