import { outboxOf } from '../conditions.js'
import { offlineNow, online, ordersWait, toBegin } from '../needs.js'
import type { Scenario } from '../scenario.js'
import { connectLine, cutLine, ORDERS, saveOrders } from '../step-actions.js'

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
      shows: ['outbox'],
      needs: [online],
      actions: [saveOrders],
      isDone: ({ now, since }) => {
        const { saved, waiting, underWay } = outboxOf(now)
        return now.isOnline && saved >= outboxOf(since).saved + ORDERS && waiting + underWay === 0
      },
      waitingFor: 'Waiting until ten more orders are saved and all are sent on.',
      done: 'Each was a small request to the server that this page came from.',
    },
    {
      title: 'Offline',
      text: [
        'Cut the line. A page cannot pull the cable, so this is a switch of the page’s own, for all its tabs. Then save ten more: the broker needs no network, so they are saved as ever.',
        'Flight mode, or “Offline” in the developer tools of each tab, does the same to a page that is open. Do not reload it then: this page comes from its server each time. An app that is to start offline has a *service worker* for that.',
      ],
      shows: ['outbox'],
      needs: [],
      actions: [cutLine, saveOrders],
      isDone: ({ now, since }) => {
        const { saved, waiting } = outboxOf(now)
        return !now.isOnline && waiting >= ORDERS && saved >= outboxOf(since).saved + ORDERS
      },
      waitingFor: 'Waiting for ten more orders, saved offline.',
      done: 'They wait, on the disk: with the line cut by the switch, you may reload every tab and find them there.',
    },
    {
      title: 'Back',
      text: [
        'Connect the line again. Whichever tab hears of it first sends them on; one that fails is tried again, later each time, and holds up nothing but its own customer.',
      ],
      shows: ['outbox'],
      needs: [toBegin(offlineNow), toBegin(ordersWait)],
      actions: [connectLine],
      isDone: ({ now, since }) => {
        const { waiting, underWay } = outboxOf(now)
        return now.isOnline && outboxOf(since).waiting > 0 && waiting + underWay === 0
      },
      waitingFor: 'Waiting until nothing waits.',
      done: 'All of them are sent on, and nobody had to press “retry”.',
    },
  ],
}
