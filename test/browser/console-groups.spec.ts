/** The console on what reads topics and leads to them: groups of both kinds, exchanges, stores. */
import { expect, test } from '@playwright/test'
import { openConsole } from './console-page.js'
import { openTab } from './tabs.js'

test('groups are shown with their members, set back, and deleted', async ({ context }) => {
  const broker = 'console-groups'
  const other = await openTab(context, broker)
  await other.evaluate(async () => {
    await tab.admin.createTopics({ topics: [{ topic: 'orders', numPartitions: 3 }] })
    await tab.send(
      'orders',
      Array.from({ length: 300 }, (_, id) => ({
        value: id,
        partition: id % 3,
        timestamp: 1_000_000 + id,
      })),
    )
    const consumer = tab.mq.consumer({ groupId: 'billing' })
    await consumer.subscribe({ topics: ['orders'], fromBeginning: true })
    await consumer.run({ eachMessage: ({ message }) => void message })
    Object.assign(globalThis, { stopBilling: () => consumer.disconnect() })
  })
  const page = await openConsole(context, { broker, view: 'groups' })
  const dialog = page.getByRole('dialog')
  const committed = () =>
    other.evaluate(async () => {
      const [topic] = await tab.admin.fetchOffsets({ groupId: 'billing' })
      return topic?.partitions.map(({ offset }) => offset)
    })

  await expect(page.getByRole('row', { name: /billing stable 1 orders 0/ })).toBeVisible()
  await page.getByRole('button', { name: 'billing' }).click()
  const members = page.getByRole('region', { name: 'Members' })
  await expect(members.getByRole('row').nth(1)).toContainText('client.html')
  await expect(members.getByRole('row').nth(1)).toContainText('orders 0–2')
  await expect(page.getByRole('button', { name: 'Reset offsets' })).toBeDisabled()
  await other.evaluate(() =>
    (globalThis as unknown as { stopBilling: () => Promise<void> }).stopBilling(),
  )
  await expect(page.getByRole('button', { name: 'Reset offsets' })).toBeEnabled()
  expect(await committed()).toEqual([100, 100, 100])

  const reset = async (fill: () => Promise<void>) => {
    await page.getByRole('button', { name: 'Reset offsets' }).click()
    await fill()
    await dialog.getByRole('button', { name: 'Reset offsets' }).click()
    await expect(dialog).toHaveCount(0)
    return committed()
  }
  const to = (where: string) => dialog.getByLabel('To', { exact: true }).selectOption(where)
  const earliest = await reset(async () => {
    await to('earliest')
    await expect(dialog).toContainText('all messages that are still there are handled again')
  })
  expect(earliest).toEqual([0, 0, 0])
  await expect(page.getByRole('main')).toContainText('300')
  const time = await reset(async () => {
    await to('time')
    await expect(dialog.getByRole('button', { name: 'Reset offsets' })).toBeDisabled()
    const at = await page.evaluate(() => {
      const local = new Date(1_000_151 - new Date(0).getTimezoneOffset() * 60_000)
      return local.toISOString().slice(0, 23)
    })
    await dialog.getByLabel('Time').fill(at)
  })
  expect(time).toEqual([51, 50, 50])
  const offset = await reset(async () => {
    await to('offset')
    await dialog.getByLabel('Partition').selectOption('2')
    await dialog.getByLabel('Offset: the next to read').fill('7')
  })
  expect(offset).toEqual([51, 50, 7])
  const latest = await reset(async () => {
    await to('latest')
    await expect(dialog).toContainText('the 192 messages that are left to do are never handled')
  })
  expect(latest).toEqual([100, 100, 100])
  await page.getByRole('button', { name: 'Reset offsets' }).click()
  await to('offset')
  await dialog.getByLabel('Offset: the next to read').fill('5000')
  await dialog.getByRole('button', { name: 'Reset offsets' }).click()
  await expect(dialog.getByRole('alert')).toContainText('OFFSET_OUT_OF_RANGE')
  await page.keyboard.press('Escape')
  await expect(dialog).toHaveCount(0)

  await page.getByRole('button', { name: 'Delete group' }).click()
  await expect(dialog).toContainText('how far it has come in orders')
  await dialog.getByRole('button', { name: 'Delete group' }).click()
  await expect(page.getByText('There are no consumer groups.')).toBeVisible()
  expect(await other.evaluate(() => tab.admin.listGroups())).toEqual([])
})

test('share groups show who has what, and dead letters go back', async ({ context }) => {
  const broker = 'console-shares'
  const other = await openTab(context, broker)
  await other.evaluate(async () => {
    await tab.admin.createTopics({ topics: [{ topic: 'uploads' }, { topic: 'uploads.failed' }] })
    const worker = tab.mq.shareConsumer({
      groupId: 'uploads',
      deadLetterTopic: 'uploads.failed',
      deliveryCountLimit: 3,
    })
    await worker.subscribe({ topics: ['uploads'] })
    const state = { refuses: true, release: () => {} }
    const held = new Promise<void>((resolve) => (state.release = resolve))
    Object.assign(globalThis, { uploads: { worker, state } })
    await worker.run({
      concurrency: 2,
      eachMessage: async ({ message, acknowledge }) => {
        if (message.value === 'slow') await held
        else if (state.refuses) await acknowledge('reject', { reason: 'not yet' })
      },
    })
    for (const value of ['slow', 'bad', 'worse']) await tab.send('uploads', [{ value }])
  })
  const page = await openConsole(context, { broker, view: 'share-groups' })
  const dialog = page.getByRole('dialog')
  const fact = (name: string) =>
    page.locator('dl > div').filter({ has: page.getByText(name, { exact: true }) })

  await expect(page.getByRole('row', { name: 'uploads 1 0 1 0 2 uploads.failed' })).toBeVisible()
  await page.getByRole('button', { name: 'uploads', exact: true }).click()
  await expect(page.getByRole('button', { name: 'Delete group' })).toBeDisabled()
  const lock = page.getByRole('region', { name: 'Messages in flight' }).getByRole('row').nth(1)
  await expect(lock).toContainText('uploads 0: 0')
  await expect(lock).toContainText('client.html')
  await expect(lock).toContainText('1 of 3')
  await expect(fact('Of these dead letters')).toContainText('2')

  await page.getByRole('button', { name: 'Show them' }).click()
  await expect(page.getByRole('grid').getByRole('row')).toHaveCount(3)
  await page.getByRole('grid').getByText('worse').click()
  await expect(page.getByRole('region', { name: 'Headers' })).toContainText('not yet')

  await other.evaluate(() => {
    const { uploads } = globalThis as unknown as { uploads: { state: { refuses: boolean } } }
    uploads.state.refuses = false
  })
  await page.getByRole('button', { name: 'Share groups' }).click()
  await page.getByRole('button', { name: 'uploads', exact: true }).click()
  await page.getByRole('button', { name: 'Send back' }).click()
  await dialog.getByRole('button', { name: 'Send back' }).click()
  await expect(page.getByText('2 dead letters sent back.')).toBeVisible()
  await expect(fact('Accepted')).toContainText('2')
  const described = () =>
    other.evaluate(async () => (await tab.admin.describeShareGroups(['uploads']))[0]?.partitions[0])
  expect(await described()).toMatchObject({ counters: { accepted: 2, deadLettered: 2 } })
  await page.getByRole('button', { name: 'Send back' }).click()
  await dialog.getByRole('button', { name: 'Send back' }).click()
  await expect(page.getByText('None was sent back')).toBeVisible()

  await other.evaluate(async () => {
    const { uploads } = globalThis as unknown as {
      uploads: { worker: { disconnect(): Promise<void> }; state: { release: () => void } }
    }
    uploads.state.release()
    await uploads.worker.disconnect()
  })
  await page.getByRole('button', { name: 'Delete group' }).click()
  await expect(dialog).toContainText('what it has done')
  await dialog.getByRole('button', { name: 'Delete group' }).click()
  // What is left is the broker's own note of what was sent back.
  await expect(page.getByRole('row', { name: /^tabmq.redrive/ })).toBeVisible()
  await expect(page.getByRole('row', { name: /^uploads/ })).toHaveCount(0)
  const left = await other.evaluate(() => tab.admin.describeShareGroups())
  expect(left.map(({ groupId }) => groupId)).toEqual(['tabmq.redrive'])
})

test('exchanges and stores are made, changed and deleted', async ({ context }) => {
  const broker = 'console-exchanges'
  const other = await openTab(context, broker)
  await other.evaluate(() =>
    tab.admin.createTopics({ topics: [{ topic: 'mails' }, { topic: 'audit' }] }),
  )
  const page = await openConsole(context, { broker, view: 'exchanges' })
  const dialog = page.getByRole('dialog')
  const exchanges = () => other.evaluate(() => tab.admin.listExchanges())

  await page.getByRole('button', { name: 'New exchange' }).click()
  await dialog.getByLabel('Name').fill('events')
  await dialog.getByLabel('Type').selectOption('topic')
  await dialog.getByRole('button', { name: 'Make exchange' }).click()
  await expect(page.getByRole('heading', { name: 'events' })).toBeVisible()
  for (const [target, key] of [
    ['topic mails', 'order.*.created'],
    ['topic audit', '#'],
  ] as const) {
    await page.getByRole('button', { name: 'Add binding' }).click()
    await dialog.getByLabel('Leads to').selectOption(target)
    await dialog.getByLabel('Routing key').fill(key)
    await dialog.getByRole('button', { name: 'Add binding' }).click()
    await expect(dialog).toHaveCount(0)
  }
  const published = await other.evaluate(() =>
    tab.producer.publish({
      exchange: 'events',
      routingKey: 'order.eu.created',
      messages: [{ value: 1 }],
    }),
  )
  expect(published.map(({ topic }) => topic).toSorted()).toEqual(['audit', 'mails'])
  await expect(page.locator('dl')).toContainText('Routed1')
  await page.getByRole('button', { name: 'Remove the binding to topic audit #' }).click()
  await expect(dialog).toContainText('the way from events to topic audit by “#”')
  await dialog.getByRole('button', { name: 'Remove binding' }).click()
  await expect(dialog).toHaveCount(0)
  expect((await exchanges())[0]?.bindings).toMatchObject([
    { topic: 'mails', routingKey: 'order.*.created' },
  ])
  await page.getByRole('button', { name: 'Delete exchange' }).click()
  await expect(dialog).toContainText('its binding to topic mails by “order.*.created”')
  await dialog.getByRole('button', { name: 'Delete exchange' }).click()
  await expect(page.getByText('There are no exchanges.')).toBeVisible()
  expect(await exchanges()).toEqual([])

  await other.evaluate(() => tab.mq.store('balances').put('anna', { amount: 5 }))
  const get = (key: string) => other.evaluate((one) => tab.mq.store('balances').get(one), key)
  await page.getByRole('button', { name: 'Stores' }).click()
  await page.getByRole('button', { name: 'balances' }).click()
  await expect(page.getByRole('row', { name: /anna/ })).toContainText('{"amount":5}')
  await page.getByRole('button', { name: 'Change anna' }).click()
  await dialog.getByLabel('Value, as JSON').fill('{"amount": 6')
  await expect(dialog.getByRole('button', { name: 'Put' })).toBeDisabled()
  await dialog.getByLabel('Value, as JSON').fill('{"amount": 6}')
  await dialog.getByRole('button', { name: 'Put' }).click()
  await expect(page.getByRole('row', { name: /anna/ })).toContainText('{"amount":6}')
  expect(await get('anna')).toEqual({ amount: 6 })
  await page.getByRole('button', { name: 'Put an entry' }).click()
  await dialog.getByLabel('Key').fill('ben')
  await dialog.getByLabel('Value, as JSON').fill('{"$date":"2026-01-01T00:00:00.000Z"}')
  await dialog.getByRole('button', { name: 'Put' }).click()
  await expect(page.getByRole('row', { name: /ben/ })).toBeVisible()
  expect(await get('ben')).toEqual(new Date('2026-01-01'))
  await other.evaluate(() =>
    tab.mq
      .store('balances')
      .put('kinds', { r: /a/g, u: undefined, e: new Error('no'), f: Float64Array.of(1.5) }),
  )
  await page.getByRole('button', { name: 'Change kinds' }).click()
  await dialog.getByRole('button', { name: 'Put' }).click()
  await expect(page.getByText('kinds was put into balances.')).toBeVisible()
  const kinds = await other.evaluate(async () => {
    const value = (await tab.mq.store('balances').get('kinds')) as Record<string, unknown>
    const { r, e, f } = value
    return [r instanceof RegExp, 'u' in value, e instanceof Error, f instanceof Float64Array]
  })
  expect(kinds).toEqual([true, true, true, true])
  await page.getByLabel('Keys that begin with').fill('a')
  await expect(page.getByRole('row', { name: /ben/ })).toHaveCount(0)
  await page.getByRole('button', { name: 'Delete anna' }).click()
  await dialog.getByRole('button', { name: 'Delete entry' }).click()
  await expect(page.getByText('There are no such entries.')).toBeVisible()
  expect(await get('anna')).toBeUndefined()
  await page.getByRole('button', { name: 'Clear store' }).click()
  await dialog.getByRole('button', { name: 'Clear store' }).click()
  await expect(page.getByText('There are no stores.')).toBeVisible()
  expect(await get('ben')).toBeUndefined()
})
