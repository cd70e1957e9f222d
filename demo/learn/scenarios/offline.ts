import { outboxStateOf, type OutboxState } from '../../outbox/outbox-state.js'
import type { Shown } from '../../app/demo.js'
import type { Scenario } from '../scenario.js'

function outboxOf({ state }: Shown): OutboxState {
  return state === undefined ? { saved: 0, waiting: 0, underWay: 0 } : outboxStateOf(state)
}

export const offline: Scenario = {
  id: 'offline',
  title: 'Offline and back',
  summary:
    'What is saved offline is safe, and goes out by itself, in order, when there is a network.',
  steps: [
    {
      title: 'Online',
      text: [
        'An app saves into an *outbox*: a topic. Some tab sends on what is in there, over the network, in order for each customer. Save ten orders while there is a network; in the panel *An outbox* you see them go.',
      ],
      actions: [{ label: 'Save 10 orders', run: ({ demo }) => demo.outbox.save(10) }],
      isDone: ({ now, demo }) => {
        const { saved, waiting, underWay } = outboxOf(now)
        return demo.outbox.isOnline.value && saved >= 10 && waiting + underWay === 0
      },
      waitingFor: 'Waiting until ten orders are saved and all are sent on.',
      done: 'Each was a small request to the server that this page came from.',
    },
    {
      title: 'Offline',
      text: [
        'Cut the line. A page cannot pull the cable, so this is a switch of the page’s own; flight mode, or “Offline” in the developer tools of each tab, does the same for real.',
        'Then save ten more. The broker needs no network, so they are saved as ever.',
      ],
      actions: [
        { label: 'Cut the line', run: ({ demo }) => demo.outbox.line.set('cut') },
        { label: 'Save 10 orders', run: ({ demo }) => demo.outbox.save(10) },
      ],
      isDone: ({ now, demo }) => !demo.outbox.isOnline.value && outboxOf(now).waiting >= 10,
      waitingFor: 'Waiting for ten orders that wait, offline.',
      done: 'They wait. You may reload every tab, or come back tomorrow: they are on the disk.',
    },
    {
      title: 'Back',
      text: [
        'Connect the line again. Whichever tab hears of it first sends them on; one that fails is tried again, later each time, and holds up nothing but its own customer.',
      ],
      actions: [
        { label: 'Connect the line', run: ({ demo }) => demo.outbox.line.set('connected') },
      ],
      isDone: ({ now, demo }) => {
        const { waiting, underWay } = outboxOf(now)
        return demo.outbox.isOnline.value && waiting + underWay === 0
      },
      waitingFor: 'Waiting until nothing waits.',
      done: 'All of them are sent on, and nobody had to press “retry”.',
    },
  ],
}
