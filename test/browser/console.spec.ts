/**
 * The console in a real page: what it shows of a broker that another tab works with, and what its buttons
 * do to it. Whatever is done is looked at through the other tab's connection.
 */
import { readFileSync } from 'node:fs'
import { expect, test } from '@playwright/test'
import { openConsole } from './console-page.js'
import { openTab } from './tabs.js'

test('topics are made, changed, enlarged, emptied and deleted', async ({ context }) => {
  const other = await openTab(context, 'console-topics')
  const page = await openConsole(context, { broker: 'console-topics' })
  const state = () => other.evaluate(async () => (await tab.admin.fetchTopicMetadata()).topics)
  const dialog = page.getByRole('dialog')

  await expect(page.getByText('This broker has no topics.')).toBeVisible()
  await page.getByRole('button', { name: 'New topic' }).click()
  await dialog.getByLabel('Name').fill('not a name')
  await dialog.getByRole('button', { name: 'Make topic' }).click()
  await expect(dialog.getByRole('alert')).toContainText('INVALID_TOPIC_EXCEPTION')
  await dialog.getByLabel('Name').fill('orders')
  await dialog.getByLabel('Partitions').fill('3')
  await dialog.getByLabel('Keep messages for').fill('two days')
  await expect(dialog.getByText('A number and a unit')).toBeVisible()
  await expect(dialog.getByRole('button', { name: 'Make topic' })).toBeDisabled()
  await dialog.getByLabel('Keep messages for').fill('2 d')
  await dialog.getByRole('button', { name: 'Make topic' }).click()
  await expect(page.getByRole('heading', { name: 'orders' })).toBeVisible()
  expect(await state()).toMatchObject([
    { topic: 'orders', partitions: [{}, {}, {}], config: { retentionMs: 2 * 86_400_000 } },
  ])

  await page.getByRole('button', { name: 'Change config' }).click()
  await dialog.getByLabel('Keep up to, bytes').fill('1000000')
  await dialog.getByLabel('Know message ids for').fill('1h')
  await dialog.getByRole('button', { name: 'Change config' }).click()
  await expect(dialog).toHaveCount(0)
  expect(await state()).toMatchObject([
    { config: { retentionBytes: 1_000_000, dedupWindowMs: 3_600_000 } },
  ])

  await page.getByRole('button', { name: 'Add partitions' }).click()
  await dialog.getByLabel('Partitions in all').fill('5')
  await dialog.getByRole('button', { name: 'Add partitions' }).click()
  await expect(dialog).toHaveCount(0)
  expect((await state())[0]?.partitions).toHaveLength(5)

  await other.evaluate(async () => {
    const messages = Array.from({ length: 50 }, (_, id) => ({ value: id, partition: id % 2 }))
    await tab.send('orders', messages)
    const consumer = tab.mq.consumer({ groupId: 'billing' })
    await consumer.subscribe({ topics: ['orders'], fromBeginning: true })
    await consumer.run({ eachMessage: ({ message }) => void message })
  })
  await page.getByRole('button', { name: 'All topics' }).click()
  const row = page.getByRole('row', { name: /orders/ })
  await expect(row).toContainText('50')
  await expect(row).toContainText('billing 0')

  await page.getByRole('button', { name: 'orders' }).click()
  await page.getByRole('button', { name: 'Delete messages' }).click()
  await dialog.getByLabel('Partition').selectOption('0')
  await dialog.getByLabel('Before offset').fill('10')
  await expect(dialog).toContainText('10 messages in partition 0')
  await dialog.getByRole('button', { name: 'Delete messages' }).click()
  await expect(dialog).toHaveCount(0)
  const offsets = await other.evaluate(() => tab.admin.fetchTopicOffsets('orders'))
  expect(offsets.map(({ low, high }) => high - low)).toEqual([15, 25, 0, 0, 0])

  await page.getByRole('button', { name: 'Delete topic' }).click()
  await expect(dialog).toContainText('40 messages in 5 partitions')
  await expect(dialog).toContainText('how far billing has come in it')
  await dialog.getByRole('button', { name: 'Cancel' }).click()
  expect(await state()).toHaveLength(1)
  await page.getByRole('button', { name: 'Delete topic' }).click()
  await dialog.getByRole('button', { name: 'Delete topic' }).click()
  await expect(page.getByText('This broker has no topics.')).toBeVisible()
  expect(await state()).toEqual([])
})

test('a rate rises with what is sent, and falls when nothing is', async ({ context }) => {
  const other = await openTab(context, 'console-rates')
  await other.evaluate(() => tab.admin.createTopics({ topics: [{ topic: 'orders' }] }))
  const page = await openConsole(context, { broker: 'console-rates' })
  const rate = page.getByRole('row', { name: /orders/ }).getByText(/^[\d.,]+\/s$/)
  await expect(rate).toHaveText('0/s')
  await other.evaluate(() =>
    tab.send(
      'orders',
      Array.from({ length: 900 }, (_, value) => ({ value })),
    ),
  )
  await expect(rate).not.toHaveText('0/s')
  await expect(rate).toHaveText('0/s')
})

test('messages are found, looked at, sent, exported and sent again', async ({ context }) => {
  const other = await openTab(context, 'console-messages')
  await other.evaluate(async () => {
    await tab.admin.createTopics({
      topics: [
        { topic: 'orders', numPartitions: 3 },
        { topic: 'again', config: { maxMessageBytes: 5_000_000 } },
      ],
    })
    await tab.send(
      'orders',
      Array.from({ length: 3_000 }, (_, id) => ({
        key: `user-${id % 50}`,
        value: { id, city: id % 2 === 0 ? 'Lima' : 'Oslo' },
        headers: { source: id % 3 === 0 ? 'web' : 'app' },
        timestamp: 1_000_000 + id,
        partition: id % 3,
      })),
    )
  })
  const page = await openConsole(context, { broker: 'console-messages', view: 'messages' })
  const grid = page.getByRole('grid')
  const status = page.getByRole('main').getByRole('status')
  const read = page.getByRole('button', { name: 'Read', exact: true })

  await test.step('a filter that is malformed says where, and reads nothing', async () => {
    await page.getByLabel('Topic').selectOption('orders')
    await page.getByLabel('Filter').fill('value.id > and 3')
    await read.click()
    await expect(page.getByText('At character 12: “and” stands where')).toBeVisible()
    await expect(grid).toHaveCount(0)
  })

  await test.step('by filter, key, partition, offset and time', async () => {
    await page.getByLabel('Filter').fill('value.id >= 2990 and headers.source = "web"')
    await read.click()
    await expect(status).toHaveText('3 messages of 3,000 that were looked at; that is all.')
    await page.getByLabel('Filter').fill('')
    await page.getByLabel('Key').fill('user-7')
    await page.getByLabel('Partition').selectOption('1')
    await read.click()
    await expect(status).toHaveText('20 messages of 1,000 that were looked at; that is all.')
    await page.getByLabel('Key').fill('')
    await page.getByLabel('Begin with').selectOption('offset')
    await page.getByLabel('Offset').fill('995')
    await read.click()
    await expect(status).toHaveText('5 messages; that is all.')
    await expect(grid.getByRole('row').nth(1)).toContainText('2986')
    await page.getByLabel('Begin with').selectOption('time')
    const at = await page.evaluate(() => {
      const local = new Date(1_002_994 - new Date(0).getTimezoneOffset() * 60_000)
      return local.toISOString().slice(0, 23)
    })
    await page.getByLabel('Time').fill(at)
    await page.getByLabel('Partition').selectOption('all')
    await read.click()
    await expect(status).toHaveText('6 messages; that is all.')
  })

  await test.step('of a long log only a part is in the page', async () => {
    await page.getByLabel('Begin with').selectOption('oldest')
    await read.click()
    await expect(status).toContainText('there is more')
    await page.getByRole('button', { name: 'More' }).click()
    await expect(status).toContainText(/^[4-9]\d\d messages; there is more/)
    const found = Number.parseInt((await status.textContent()) ?? '', 10)
    await expect(grid).toHaveAttribute('aria-rowcount', String(found + 1))
    expect(await grid.getByRole('row').count()).toBeLessThan(60)
    await grid.focus()
    await page.keyboard.press('End')
    await page.keyboard.press('Enter')
    const detail = page.getByRole('region', { name: 'Message' })
    await expect(detail.getByRole('heading')).toContainText('offset')
    await page.keyboard.press('Home')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Space')
    await expect(grid.getByRole('row', { selected: true })).toHaveCount(1)
    await page.getByRole('button', { name: 'Export 1' }).click()
    await expect(page.getByRole('dialog').getByLabel('Which')).toHaveValue('selected')
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
  })

  await test.step('one is sent, with what it can have', async () => {
    await page.getByRole('button', { name: 'Send a message' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Key', { exact: true }).fill('user-new')
    await dialog.getByLabel('Value', { exact: true }).fill('{"id": ')
    await expect(dialog.getByRole('button', { name: 'Send' })).toBeDisabled()
    await dialog.getByLabel('Value', { exact: true }).fill('{"id": 9999}')
    await dialog.getByLabel('Headers').fill('source: console')
    await dialog.getByLabel('Partition').fill('2')
    await dialog.getByLabel('Deliver after').fill('1h')
    await dialog.getByLabel('Priority').fill('7')
    await dialog.getByLabel('Message id').fill('m-1')
    await dialog.getByRole('button', { name: 'Send' }).click()
    await expect(page.getByText('Sent: orders, partition 2, offset 1000.')).toBeVisible()
    const options = { topic: 'orders', partition: 2, offset: 1_000 }
    const { messages } = await other.evaluate((at) => tab.admin.fetchMessages(at), options)
    expect(messages).toMatchObject([
      {
        key: 'user-new',
        value: { id: 9_999 },
        headers: { source: 'console' },
        priority: 7,
        messageId: 'm-1',
      },
    ])
    expect(messages[0]?.deliverAt).toBe((messages[0]?.timestamp ?? 0) + 3_600_000)
  })

  await test.step('what was found is exported, and a selection sent again', async () => {
    await page.getByLabel('Filter').fill('value.id in [9, 10, 11]')
    await read.click()
    await expect(status).toContainText('3 messages')
    const downloading = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Export', exact: true }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Export' }).click()
    const file = await (await downloading).path()
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
    const exported = lines.map((line) => JSON.parse(line) as { offset: number; value: object })
    expect(exported.map(({ offset, value }) => ({ offset, value }))).toEqual([
      { offset: 3, value: { id: 9, city: 'Oslo' } },
      { offset: 3, value: { id: 10, city: 'Lima' } },
      { offset: 3, value: { id: 11, city: 'Oslo' } },
    ])
    await grid.getByRole('row').nth(1).getByRole('gridcell').first().click()
    await grid.getByRole('row').nth(3).getByRole('gridcell').first().click()
    await page.getByRole('button', { name: 'Send again 2' }).click()
    await page.getByRole('dialog').getByLabel('To topic').selectOption('again')
    await page.getByRole('dialog').getByRole('button', { name: 'Send again' }).click()
    await expect(page.getByText('2 messages sent to again.')).toBeVisible()
    const { messages } = await other.evaluate(() =>
      tab.admin.fetchMessages({ topic: 'again', partition: 0 }),
    )
    expect(messages).toMatchObject([
      { key: 'user-9', value: { id: 9 }, headers: { source: 'web' } },
      { key: 'user-11', value: { id: 11 }, headers: { source: 'app' } },
    ])
  })

  await test.step('all that match are exported, whether they are in the list or not', async () => {
    await page.getByLabel('Filter').fill('value.city = "Lima"')
    await page.getByLabel('Begin with').selectOption('newest')
    await read.click()
    await expect(status).toContainText('there is more')
    const downloading = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Export', exact: true }).click()
    await page.getByRole('dialog').getByLabel('Which').selectOption('matching')
    await page.getByRole('dialog').getByRole('button', { name: 'Export' }).click()
    const file = await (await downloading).path()
    await expect(page.getByText('1,500 messages written to orders.ndjson.')).toBeVisible()
    expect(readFileSync(file, 'utf8').trimEnd().split('\n')).toHaveLength(1_500)
  })

  await test.step('a topic is followed', async () => {
    const send = (from: number, count: number) =>
      other.evaluate(
        ([first, length]) =>
          tab.send(
            'orders',
            Array.from({ length }, (_, at) => ({
              value: { id: first + at, city: (first + at) % 2 === 0 ? 'Lima' : 'Oslo' },
              partition: 0,
            })),
          ),
        [from, count] as const,
      )
    await page.getByLabel('Begin with').selectOption('live')
    await page.getByRole('button', { name: 'Follow' }).click()
    await expect(status).toContainText('Waiting for messages since')
    await send(10_000, 4)
    await expect(status).toHaveText(/^2 messages of 4 that were looked at since [\d:]+\.$/)
    await expect(grid.getByRole('row').nth(1)).toContainText('10002')
    await expect(grid.getByRole('row').nth(2)).toContainText('10000')
    await send(20_000, 100)
    await expect(status).toContainText('52 messages of 104')
    // Who has gone down the list goes on seeing the same.
    await grid.evaluate((element) => element.scrollBy(0, 700))
    const place = () => grid.getByText('20050').boundingBox()
    const before = await place()
    expect(before).not.toBeNull()
    await send(30_000, 20)
    await expect(status).toContainText('62 messages of 124')
    await expect.poll(place).toEqual(before)
    // Enter begins anew, or says what is wrong, also while something is followed.
    const filter = page.getByLabel('Filter')
    await filter.fill('value.city =')
    await filter.press('Enter')
    await expect(page.getByText('At character')).toBeVisible()
    await expect(grid).toHaveCount(0)
    await filter.fill('value.city = "Oslo"')
    await filter.press('Enter')
    await expect(status).toContainText('Waiting for messages since')
    await filter.fill('value.city = "Lima"')
    await filter.press('Enter')
    await expect(
      page.getByRole('heading', { name: 'orders, live, where value.city = "Lima"' }),
    ).toBeVisible()
    await send(35_000, 4)
    await expect(status).toContainText('2 messages of 4')
    await expect(grid.getByRole('row').nth(1)).toContainText('35002')
    const stop = page.getByRole('button', { name: 'Stop' })
    await stop.press('Enter')
    await expect(status).toContainText('stopped')
    await expect(stop).toBeFocused()
    await expect(stop).toHaveAttribute('aria-disabled', 'true')
    await send(40_000, 20)
    // What the console has not heard of when it begins would be taken for new.
    await page.getByRole('button', { name: 'Topics' }).click()
    await expect(page.getByRole('row').filter({ hasText: 'orders' })).toContainText('3,149')
    await page.getByRole('navigation').getByRole('button', { name: 'Messages' }).click()
    await page.getByRole('button', { name: 'Follow' }).click()
    await expect(status).toContainText('Waiting for messages since')
    await expect(grid).toHaveCount(0)
    // Followed is what has the name.
    const gone = page.getByText('This topic was deleted.')
    await other.evaluate(() => tab.admin.deleteTopics({ topics: ['orders'] }))
    await expect(gone).toBeVisible()
    await other.evaluate(() =>
      tab.admin.createTopics({ topics: [{ topic: 'orders', numPartitions: 3 }] }),
    )
    await send(50_000, 4)
    await expect(status).toContainText('2 messages of 4')
    await expect(gone).toHaveCount(0)
  })

  await test.step('bytes, what no codec here can read, and what is very large', async () => {
    await other.evaluate(async () => {
      const { Tabmq } = tab
      const secret = {
        id: 77,
        name: 'secret',
        encode: () => Uint8Array.of(0xca, 0xfe),
        decode: () => 'never',
      }
      const mq = new Tabmq({ name: 'console-messages', codecs: [secret] })
      const send = (options: object, value: unknown) =>
        mq.producer(options).send({ topic: 'again', messages: [{ value }] })
      await send({ codec: secret }, 'secret')
      await send({}, new TextEncoder().encode('some bytes'))
      await send({}, 'x'.repeat(3_000_000))
      await mq.close()
    })
    await page.getByRole('button', { name: 'Stop' }).click()
    await page.getByLabel('Topic').selectOption('again')
    await page.getByLabel('Begin with').selectOption('oldest')
    await page.getByLabel('Filter').fill('')
    await read.click()
    await expect(status).toContainText('that is all')
    const detail = page.getByRole('region', { name: 'Message' })
    const value = page.getByRole('region', { name: 'Value' })
    await grid.getByText('cannot be decoded').click()
    await expect(detail).toContainText('UNSUPPORTED_CODEC')
    await expect(value).toHaveText(/00000000\s+ca fe/)
    await grid.getByText('bytes: 10 bytes').click()
    await expect(value).toHaveText(/73 6f 6d 65/)
    await page.getByRole('button', { name: 'Text', exact: true }).click()
    await expect(value).toHaveText('some bytes')
    await grid.getByText('xxxxxxxx').click()
    await expect(page.getByText('This is only its beginning.')).toBeVisible()
    expect((await value.textContent())?.length).toBe(100_000)
    const downloading = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Download' }).click()
    expect(readFileSync(await (await downloading).path())).toHaveLength(3_000_000)
  })
})

test('an export that is cancelled closes nothing but its own dialog', async ({ context }) => {
  const page = await openTab(context, 'console-cancelled')
  await page.evaluate(async () => {
    const { admin, mq } = tab
    await admin.createTopics({ topics: [{ topic: 'orders' }] })
    await tab.send('orders', [{ value: 1 }])
    const { TabmqConsole } = await tab.loadConsole()
    const element = new TabmqConsole()
    element.connection = mq
    element.view = 'messages/orders'
    document.body.append(element)
  })
  await expect(page.getByRole('main').getByRole('status')).toHaveText('1 message; that is all.')
  await page.evaluate(() => {
    const admin = tab.mq.admin()
    const fetchMessages = admin.fetchMessages.bind(admin)
    const held = { count: 0, release: () => {} }
    const released = new Promise<void>((resolve) => (held.release = resolve))
    admin.fetchMessages = async (options) => {
      const fetched = await fetchMessages(options)
      held.count += 1
      await released
      return fetched
    }
    Object.assign(globalThis, { held })
  })
  type Held = { readonly held: { readonly count: number; readonly release: () => void } }
  const dialog = page.getByRole('dialog')
  const open = page.getByRole('button', { name: 'Export', exact: true })
  await open.click()
  await dialog.getByLabel('Which').selectOption('matching')
  await dialog.getByRole('button', { name: 'Export' }).click()
  await expect.poll(() => page.evaluate(() => (globalThis as unknown as Held).held.count)).toBe(1)
  await dialog.getByRole('button', { name: 'Close' }).click()
  await expect(dialog).toHaveCount(0)
  await open.click()
  await expect(dialog).toBeVisible()
  // What was held is all that the first waits for: in the next task it has ended, and is drawn in another.
  await page.evaluate(async () => {
    ;(globalThis as unknown as Held).held.release()
    for (let tasks = 0; tasks < 3; tasks++) await new Promise((resolve) => setTimeout(resolve))
  })
  await expect(dialog).toBeVisible()
})
