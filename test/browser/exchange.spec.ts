/** One tab publishes, two read what their topics are bound to. */
import { expect, test, type Page } from '@playwright/test'
import { openTab } from './tabs.js'

const MESSAGES = 500

const reading = (page: Page, topic: string) =>
  page.evaluate((consume) => tab.consume(consume), {
    consumer: { groupId: `readers of ${topic}` },
    topics: [topic],
  })

const valuesOf = (page: Page) => page.evaluate(() => tab.handled.map(({ value }) => Number(value)))

test('what one tab publishes comes to each tab whose topic is bound to it', async ({ context }) => {
  const publisher = await openTab(context, 'exchange')
  await publisher.evaluate(async () => {
    const { admin } = tab
    await admin.createTopics({
      topics: [
        { topic: 'mails', numPartitions: 2 },
        { topic: 'audit', numPartitions: 3 },
      ],
    })
    await admin.declareExchange({ exchange: 'events', type: 'topic' })
    await admin.bind({ exchange: 'events', topic: 'mails', routingKey: 'order.*.created' })
    await admin.bind({ exchange: 'events', topic: 'audit', routingKey: '#' })
    await admin.bind({ exchange: 'events', topic: 'audit', routingKey: 'order.#' })
  })
  const mails = await openTab(context, 'exchange')
  const audit = await openTab(context, 'exchange')
  await reading(mails, 'mails')
  await reading(audit, 'audit')
  const places = await publisher.evaluate(async (count) => {
    const values = Array.from({ length: count }, (_, value) => value)
    const published = await Promise.all(
      values.map((value) =>
        tab.producer.publish({
          exchange: 'events',
          routingKey: value % 2 === 0 ? 'order.eu.created' : 'order.eu.paid',
          messages: [{ key: `customer-${value % 7}`, value }],
        }),
      ),
    )
    return published.map((each) => each.map(({ topic }) => topic).join())
  }, MESSAGES)
  const all = Array.from({ length: MESSAGES }, (_, value) => value)
  const even = all.filter((value) => value % 2 === 0)
  expect(places).toEqual(all.map((value) => (value % 2 === 0 ? 'mails,audit' : 'audit')))
  await mails.waitForFunction((count) => tab.handled.length >= count, even.length)
  await audit.waitForFunction((count) => tab.handled.length >= count, all.length)
  expect((await valuesOf(mails)).sort((a, b) => a - b)).toEqual(even)
  expect((await valuesOf(audit)).sort((a, b) => a - b)).toEqual(all)

  const [events] = await publisher.evaluate(() => tab.admin.listExchanges())
  expect(events?.counters).toEqual({
    published: MESSAGES,
    routed: MESSAGES,
    unroutable: 0,
    dropped: 0,
  })
})
