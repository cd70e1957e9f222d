/** The console as a test opens it, and a broker with something in it. */
import { expect, type BrowserContext, type Page } from '@playwright/test'
import { openTab } from './tabs.js'

/** Attributes are those of the element; resolves when it shows a view. */
export async function openConsole(
  context: BrowserContext,
  attributes: Readonly<Record<string, string>>,
): Promise<Page> {
  const page = await context.newPage()
  await page.goto(`/test/browser/pages/console.html?${new URLSearchParams(attributes).toString()}`)
  await expect(page.getByRole('main').getByRole('heading', { level: 2 })).toBeVisible()
  return page
}

/** As the page around would do it. @param view a view, or the path to what is shown in it */
export async function setView(page: Page, view: string): Promise<void> {
  await page.evaluate(
    (to) => document.querySelector('tabmq-console')?.setAttribute('view', to),
    view,
  )
}

/** Something of everything, in a tab that stays open: its consumers are what there is to see. */
export async function fillBroker(context: BrowserContext, broker: string): Promise<Page> {
  const page = await openTab(context, broker)
  await page.evaluate(async () => {
    const { mq, admin } = tab
    const day = 86_400_000
    const kept = { retentionMs: 30 * day, retentionBytes: 50_000_000 }
    await admin.createTopics({
      topics: [
        { topic: 'orders', numPartitions: 6, config: { dedupWindowMs: 3_600_000 } },
        { topic: 'payments', numPartitions: 3, config: { retentionMs: null } },
        { topic: 'uploads', config: { retentionMs: null } },
        { topic: 'uploads.failed' },
        { topic: 'audit', numPartitions: 2, config: kept },
      ],
    })
    const producer = mq.producer()
    const cities = ['Zürich', 'Lagos', 'Lima', 'Osaka', 'Oslo']
    await producer.send({
      topic: 'orders',
      messages: Array.from({ length: 2_000 }, (_, id) => ({
        key: `user-${id % 97}`,
        value: {
          id,
          total: (id * 37) % 500,
          city: cities[id % 5],
          at: new Date(1.79e12 + id * 1e3),
        },
        headers: { source: id % 3 === 0 ? 'web' : 'app' },
      })),
    })
    await producer.send({
      topic: 'payments',
      messages: Array.from({ length: 300 }, (_, id) => ({
        key: `account-${id % 12}`,
        value: { amount: id },
      })),
    })
    const billing = mq.consumer({ groupId: 'billing' })
    await billing.subscribe({ topics: ['orders'], fromBeginning: true })
    await billing.run({ eachMessage: () => {} })
    const reports = mq.consumer({ groupId: 'reports' })
    await reports.subscribe({ topics: ['orders', 'payments'], fromBeginning: true })
    let left = 700
    await reports.run({
      eachMessage: ({ pause }) => {
        left -= 1
        if (left < 0) pause()
      },
    })
    const night = mq.consumer({ groupId: 'nightly' })
    await night.subscribe({ topics: ['payments'], fromBeginning: true })
    await night.run({ eachMessage: () => {} })
    await new Promise((resolve) => night.on('commitOffsets', resolve))
    await night.disconnect()
    const worker = mq.shareConsumer({ groupId: 'uploads', deadLetterTopic: 'uploads.failed' })
    await worker.subscribe({ topics: ['uploads'] })
    await worker.run({
      concurrency: 3,
      eachMessage: async ({ message, acknowledge }) => {
        const { file } = message.value as { file: string }
        if (file.endsWith('3.jpg')) await acknowledge('reject', { reason: 'not a picture' })
        else if (file.endsWith('7.jpg')) await new Promise(() => {})
      },
    })
    for (let id = 0; id < 60; id++) {
      await producer.send({
        topic: 'uploads',
        messages: [{ value: { file: `picture-${id}.jpg` } }],
      })
    }
    await admin.declareExchange({ exchange: 'unrouted', type: 'fanout' })
    await admin.declareExchange({
      exchange: 'events',
      type: 'topic',
      alternateExchange: 'unrouted',
    })
    await admin.bind({ exchange: 'events', topic: 'audit', routingKey: '#' })
    await admin.bind({ exchange: 'events', topic: 'payments', routingKey: 'payment.*.done' })
    await producer.publish({
      exchange: 'events',
      routingKey: 'payment.eu.done',
      messages: [{ value: { id: 1 } }],
    })
    const store = mq.store('balances')
    for (const [index, city] of cities.entries()) {
      await store.put(city, { city, balance: index * 12.5 })
    }
  })
  return page
}
