import { lagOf, workingTabs } from '../conditions.js'
import type { Scenario } from '../scenario.js'

const LAG = 200

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
      actions: [
        {
          label: 'Send too much',
          run: ({ demo }) => {
            demo.workMs.set(5)
            demo.generator.setRate(400)
            if (!demo.generator.isOn.value) demo.generator.toggle()
          },
        },
      ],
      isDone: ({ now }) => lagOf(now) > LAG,
      waitingFor: `Waiting for a lag of more than ${LAG}.`,
      done: 'The logs zoom out, to show how far the marks are behind. The chart says how fast it grows.',
    },
    {
      title: 'More tabs',
      text: [
        'Nothing is lost by that: what waits is on the disk. Open two more tabs. Each gets a third of the partitions, and together they do more than comes in.',
        'More tabs than partitions would leave some idle. (In a share group they would not be.)',
      ],
      actions: [
        {
          label: 'Open two tabs',
          run: ({ actions }) => actions.openTabs(2),
        },
      ],
      isDone: ({ now }) =>
        workingTabs(now).length >= 3 && (now.series.handledPerSecond.at(-1) ?? 0) > 300,
      waitingFor: 'Waiting for three tabs with partitions, and more handled a second.',
      done: 'The line of what is handled has risen towards what is sent, or above it.',
    },
    {
      title: 'Catching up',
      text: [
        'Stop sending. From lag and rates follows when it will be gone: the page says so above the chart.',
      ],
      actions: [{ label: 'Stop the flow', run: ({ demo }) => demo.generator.stop() }],
      isDone: ({ now, demo }) => !demo.generator.isOn.value && lagOf(now) === 0,
      waitingFor: 'Waiting until the lag is gone.',
      done: 'Caught up.',
    },
    {
      title: 'As it was',
      text: ['Let the work take 2 ms again.'],
      actions: [{ label: 'Work 2 ms', run: ({ demo }) => demo.workMs.set(2) }],
      isDone: ({ demo }) => demo.workMs.value !== 5,
      waitingFor: 'Waiting for less work.',
      done: 'As before.',
    },
  ],
}
