/**
 * The store of workbox-background-sync's queue, which holds requests until they can be sent. The queue
 * around it wants to be in a service worker; what it keeps is written the same way from a page.
 */
import { QueueStore } from 'workbox-background-sync/QueueStore.js'
import { orders } from './messages.js'
import { rate } from './timing.js'

const store = new QueueStore('peer-workbox')

export const workboxSide = {
  /** A request for each, with the message as its body. */
  async pushEntries(count: number): Promise<number> {
    const bodies = orders(count).map((row) => new TextEncoder().encode(JSON.stringify(row)).buffer)
    return rate(count, () =>
      Promise.all(
        bodies.map((body) =>
          store.pushEntry({
            requestData: { url: '/orders', method: 'POST', headers: {}, body },
            timestamp: Date.now(),
          }),
        ),
      ),
    )
  },

  async clear(): Promise<void> {
    while ((await store.shiftEntry()) !== undefined);
  },
}
