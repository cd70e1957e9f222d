import { handledSince, isQuiet, lagOf, workingTabs } from '../conditions.js'
import { atWork, flow, onlyThisTab, somethingToCatchUp, toBegin } from '../needs.js'
import type { Need, Scenario } from '../scenario.js'
import { openATab, startFlow, stopFlow } from '../step-actions.js'

const LAG = 200
const RATE = 400
const WORK_MS = 5
const TABS = 3

const sendTooMuch = startFlow(RATE, { label: 'Send too much', workMs: WORK_MS })

/** A flow of any rate, with less work, is not too much. */
const tooMuch: Need = {
  ...flow(RATE, sendTooMuch),
  isMet: ({ now }) => now.isFlowing && now.workMs >= WORK_MS,
  missing: 'Too much does not flow now: a flow ends when its page is reloaded.',
}

export const lag: Scenario = {
  id: 'lag',
  title: 'Lag, and catching up',
  summary: 'More comes than one tab can do. More tabs help, as long as there are partitions.',
  steps: [
    {
      title: 'Too much for one',
      text: [
        'Let each message take 5 ms of work: one tab does two hundred a second. Then send four hundred a second, and watch the *lag*: what is in the log and not handled.',
      ],
      shows: ['charts', 'logs'],
      needs: [atWork, onlyThisTab],
      actions: [sendTooMuch],
      isDone: ({ now, since }) => now.isFlowing && lagOf(now) > lagOf(since) + LAG,
      waitingFor: `Waiting for a lag of ${LAG} more.`,
      done: 'The logs zoom out, to show how far the marks are behind. The chart says how fast it grows.',
    },
    {
      title: 'More tabs',
      text: [
        'Nothing is lost by that: what waits is on the disk. Open two more tabs. Each gets a third of the partitions, and together they do more than comes in.',
        'Open one after the other: browsers let a page open one tab for each click, and some ask first. More tabs than partitions would leave some idle. (In a share group they would not be.)',
      ],
      shows: ['charts', 'tabs'],
      needs: [atWork, tooMuch],
      actions: [openATab],
      isDone: (seen) =>
        handledSince(seen) > RATE &&
        workingTabs(seen.now).length >= TABS &&
        (seen.now.series.handledPerSecond.at(-1) ?? 0) > 300,
      waitingFor: 'Waiting for three tabs with partitions, and for more that is handled a second.',
      done: 'The line of what is handled has risen towards what is sent, or above it.',
    },
    {
      title: 'Catching up',
      text: [
        'Stop sending. From lag and rates follows when it will be gone: the page says so above the chart.',
        'When you leave this, a message takes as long as it took before.',
      ],
      shows: ['charts'],
      needs: [atWork, toBegin(somethingToCatchUp(sendTooMuch))],
      actions: [stopFlow],
      isDone: (seen) => handledSince(seen) > 0 && isQuiet(seen.now) && lagOf(seen.now) === 0,
      waitingFor: 'Waiting until nobody sends, and the lag is gone.',
      done: 'Caught up.',
    },
  ],
}
