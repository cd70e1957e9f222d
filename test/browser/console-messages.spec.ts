/** What the message browser says of what it shows, and that it keeps it. */
import { expect, test, type BrowserContext, type Page } from '@playwright/test'
import type * as Console from '../../src/console/index.js'
import { openConsole, setView } from './console-page.js'
import { openTab } from './tabs.js'

test('a list of messages says what it is of, and is there again after another view', async ({
  context,
}) => {
  const other = await openTab(context, 'console-list')
  await other.evaluate(async () => {
    await tab.admin.createTopics({ topics: [{ topic: 'odd' }, { topic: 'orders' }] })
    await tab.send(
      'orders',
      Array.from({ length: 300 }, (_, id) => ({ key: `k${id}`, value: { id }, timestamp: id + 1 })),
    )
  })
  const page = await openConsole(context, { broker: 'console-list', view: 'messages' })
  const grid = page.getByRole('grid')
  const status = page.getByRole('main').getByRole('status')
  const read = page.getByRole('button', { name: 'Read', exact: true })
  const selected = grid.getByRole('row', { selected: true })

  await page.getByLabel('Topic').selectOption('orders')
  await page.getByLabel('Filter').fill('value.id < 250')
  await read.click()
  const heading = page.getByRole('heading', {
    name: 'orders, the newest first, where value.id < 250',
  })
  await expect(heading).toBeVisible()
  await expect(status).toHaveText('200 messages of 250 that were looked at; there is more.')
  await page.getByLabel('Topic').selectOption('odd')
  await expect(page.getByText('The form says something else by now.')).toBeVisible()

  await grid.getByRole('row').nth(2).getByRole('gridcell').first().click()
  await grid
    .getByRole('row')
    .nth(5)
    .click({ modifiers: ['Shift'] })
  await expect(selected).toHaveCount(4)
  await grid.focus()
  await page.keyboard.press('Shift+ArrowDown')
  await expect(selected).toHaveCount(5)
  await grid.getByRole('row').nth(3).click()
  const detail = page.getByRole('region', { name: 'Message', exact: true })
  await expect(detail.getByRole('heading')).toHaveText('orders, partition 0, offset 247')

  const nav = page.getByRole('navigation', { name: 'Views of the broker' })
  await nav.getByRole('button', { name: 'Stores' }).click()
  await expect(page.getByRole('heading', { level: 2, name: 'Stores' })).toBeVisible()
  await nav.getByRole('button', { name: 'Messages' }).click()
  await expect(heading).toBeVisible()
  await expect(page.getByLabel('Filter')).toHaveValue('value.id < 250')
  await expect(page.getByLabel('Topic')).toHaveValue('odd')
  await expect(selected).toHaveCount(5)
  await expect(detail.getByRole('heading')).toHaveText('orders, partition 0, offset 247')
  await page.getByRole('button', { name: 'More' }).click()
  await expect(status).toHaveText('250 messages of 300 that were looked at; that is all.')

  await page.getByLabel('Filter').fill('k7')
  await read.click()
  await expect(page.getByText('put it in quotes: "k7"')).toBeVisible()
  await expect(grid).toHaveCount(0)
  await expect(heading).toHaveCount(0)

  await page.getByLabel('Filter').fill('')
  await page.getByLabel('Topic').selectOption('orders')
  await read.dblclick()
  await expect(status).toHaveText('200 messages; there is more.')
  await expect(read).toBeFocused()
  await other.evaluate(() => tab.admin.deleteTopics({ topics: ['orders'] }))
  await expect(page.getByText('This topic was deleted.')).toBeVisible()
  await expect(page.getByRole('button', { name: 'More' })).toHaveCount(0)
  await expect(page.getByLabel('Topic')).toHaveValue('orders')
  await page.getByRole('button', { name: 'Select all' }).click()
  await page.getByRole('button', { name: 'Send again 200' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByRole('button', { name: 'Send again' })).toBeDisabled()
  await dialog.getByLabel('To topic').selectOption('odd')
  await dialog.getByRole('button', { name: 'Send again' }).click()
  await expect(page.getByText('200 messages sent to odd.')).toBeVisible()
  await read.click()
  await expect(page.getByText('There is no such topic any more.')).toBeVisible()
})

test('keys and headers are shown as they are, JSON in bytes as JSON, and both are copied', async ({
  context,
}) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  const other = await openTab(context, 'console-keys')
  const long = 'l'.repeat(5_000)
  await other.evaluate(async (key) => {
    await tab.admin.createTopics({ topics: [{ topic: 'keys' }] })
    const utf8 = (text: string) => new TextEncoder().encode(text)
    const keys = [null, '–', '', '  ', '\u202Eevil.txt', new Uint8Array([255, 0]), key]
    const value = utf8('{"a":1}')
    const headers = { trace: ['x', ' y'], raw: new Uint8Array([254]) }
    await tab.send(
      'keys',
      keys.map((one) => ({ key: one, value, headers })),
    )
  }, long)
  const page = await openConsole(context, { broker: 'console-keys', view: 'messages' })
  const grid = page.getByRole('grid')
  await page.getByLabel('Begin with').selectOption('oldest')
  await page.getByLabel('Filter').fill('value.a = 1')
  await page.getByRole('button', { name: 'Read', exact: true }).click()
  await expect(grid.getByRole('row')).toHaveCount(8)
  const shown = await grid
    .getByRole('row')
    .evaluateAll((rows) =>
      rows.slice(1, 7).map((row) => row.querySelectorAll('[role=gridcell]')[4]?.textContent),
    )
  expect(shown).toEqual(['null', '–', '""', '"  "', '"\\u202eevil.txt"', '0xff00'])
  await grid.getByRole('row').nth(7).click()
  const detail = page.getByRole('region', { name: 'Message', exact: true })
  await expect(detail.getByText(long)).toBeVisible()
  await expect(detail.getByRole('row', { name: /^trace/ })).toHaveCount(2)
  await expect(detail.getByRole('row', { name: /^raw/ })).toContainText('0xfe')
  await expect(detail.getByRole('region', { name: 'Value' })).toHaveText('{ "a": 1 }')
  // However little room there is, no part gives way to another: all of it is scrolled.
  const cut = await detail.evaluate((frame) => {
    const parts = [...frame.children].filter((one) => one.scrollHeight > one.clientHeight)
    return { isScrolled: frame.scrollHeight > frame.clientHeight, parts: parts.map(String) }
  })
  expect(cut).toEqual({ isScrolled: true, parts: [] })
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText())
  await detail.getByRole('button', { name: 'Copy Key' }).click()
  await expect(page.getByText('Key copied.')).toBeVisible()
  expect(await clipboard()).toBe(long)
  await detail.getByRole('button', { name: 'Copy Value' }).click()
  await expect(page.getByText('Value copied.')).toBeVisible()
  expect(await clipboard()).toBe('{"a":1}')
})

/** A console of a topic `orders` with ids 0 to 29 in three partitions, and a topic `audit`; what it tells is kept. */
async function openOrders(context: BrowserContext, broker: string) {
  const other = await openTab(context, broker)
  await other.evaluate(async () => {
    await tab.admin.createTopics({
      topics: [{ topic: 'audit' }, { topic: 'orders', numPartitions: 3 }],
    })
    await tab.send(
      'orders',
      Array.from({ length: 30 }, (_, id) => ({
        key: `user-${id % 10}`,
        value: { id },
        timestamp: Date.UTC(2026, 0, 31, 12, id),
        partition: id % 3,
      })),
    )
  })
  const page = await openConsole(context, { broker, view: 'messages' })
  await page.evaluate(() => {
    const told: unknown[] = []
    const element = document.querySelector('tabmq-console')
    element?.addEventListener('viewchange', (event) => {
      told.push((event as CustomEvent).detail)
    })
    Object.assign(globalThis, { told })
  })
  return { other, page }
}

function told(page: Page): Promise<unknown[]> {
  return page.evaluate(() => (globalThis as unknown as { told: unknown[] }).told)
}

function address(page: Page): Promise<string> {
  return page.locator('tabmq-console').evaluate((element) => (element as Console.TabmqConsole).view)
}

test('the address says what is listed, and reads the same wherever it is opened', async ({
  context,
}) => {
  const broker = 'console-address'
  const { page } = await openOrders(context, broker)
  const filter = page.getByLabel('Filter')
  const begin = page.getByLabel('Begin with')
  const status = page.getByRole('main').getByRole('status')
  await page.getByLabel('Topic').selectOption('orders')
  await begin.selectOption('oldest')
  await page.getByLabel('Key').fill('user-7')
  await filter.fill('value.id > 9')
  expect(await told(page)).toEqual([])
  await filter.press('Enter')
  await expect(status).toHaveText('2 messages of 30 that were looked at; that is all.')
  await expect(filter).toBeFocused()
  const found = 'messages/orders?from=oldest&key=user-7&filter=value.id%20%3E%209'
  expect(await address(page)).toBe(found)
  const oldest = { view: 'messages', name: 'orders', from: 'oldest' }
  const expected: unknown[] = [{ ...oldest, key: 'user-7', filter: 'value.id > 9' }]
  expect(await told(page)).toEqual(expected)

  await test.step('reading again, and what cannot be read, leave it as it is', async () => {
    const other = await openTab(context, broker)
    await other.evaluate(() =>
      tab.send('orders', [{ key: 'user-7', value: { id: 37 }, partition: 0 }]),
    )
    await filter.press('Enter')
    await expect(status).toHaveText('3 messages of 31 that were looked at; that is all.')
    await filter.fill('value.id >')
    await filter.press('Enter')
    await expect(page.getByText('At character')).toBeVisible()
    await expect(filter).toBeFocused()
    expect(await address(page)).toBe(found)
    expect(await told(page)).toEqual(expected)
  })

  await test.step('a place of a partition, and a time', async () => {
    await filter.fill('')
    await page.getByLabel('Key').fill('')
    await begin.selectOption('offset')
    await page.getByLabel('Offset', { exact: true }).fill('9')
    await page.getByLabel('Partition').selectOption('2')
    await filter.press('Enter')
    await expect(status).toHaveText('1 message; that is all.')
    expect(await address(page)).toBe('messages/orders/2/9')
    await page.getByLabel('Partition').selectOption('all')
    await filter.press('Enter')
    await expect(status).toHaveText('4 messages; that is all.')
    expect(await address(page)).toBe('messages/orders?from=9')
    await setView(page, 'messages/orders?from=2026-01-31T12:28:00.000Z')
    await expect(begin).toHaveValue('time')
    await expect(status).toHaveText('3 messages; that is all.')
    const before = await told(page)
    await filter.press('Enter')
    await expect(status).toHaveText('3 messages; that is all.')
    expect(await told(page)).toEqual(before)
  })

  await test.step('opened elsewhere, and gone back to', async () => {
    await setView(page, found)
    await expect(status).toHaveText('3 messages of 31 that were looked at; that is all.')
    const elsewhere = await openConsole(context, { broker, view: found })
    await expect(elsewhere.getByRole('main').getByRole('status')).toHaveText(
      '3 messages of 31 that were looked at; that is all.',
    )
    await expect(elsewhere.getByLabel('Filter')).toHaveValue('value.id > 9')
    await elsewhere.close()
  })

  await test.step('a wrong one says what is wrong', async () => {
    await setView(page, 'messages/orders/7?filter=value.id%20%3E')
    await expect(page.getByText('There is no such partition.')).toBeVisible()
    await expect(page.getByText('At character')).toBeVisible()
    await expect(page.getByRole('grid')).toHaveCount(0)
  })
  // Labels lead to their own fields, whatever was shown and gone meanwhile.
  const ids = await page.locator('tabmq-console').evaluate((element) => {
    const all = [...(element.shadowRoot?.querySelectorAll('[id]') ?? [])]
    return all.map(({ id }) => id)
  })
  expect(new Set(ids).size).toBe(ids.length)
})

test('an address that is gone back to has the list that was left, a link what is there now', async ({
  context,
}) => {
  const { other, page } = await openOrders(context, 'console-back')
  const status = page.getByRole('main').getByRole('status')
  const nav = page.getByRole('navigation', { name: 'Views of the broker' })
  const detail = page.getByRole('region', { name: 'Message', exact: true })
  const leave = async () => {
    await nav.getByRole('button', { name: 'Topics' }).click()
    await expect(page.getByRole('heading', { level: 2, name: 'Topics' })).toBeVisible()
  }
  await page.getByLabel('Topic').selectOption('orders')
  await page.getByRole('button', { name: 'Read', exact: true }).click()
  await expect(status).toHaveText('30 messages; that is all.')
  await page.getByRole('grid').getByRole('row').nth(3).click()
  await expect(detail).toBeVisible()
  await other.evaluate(() => tab.send('orders', [{ value: { id: 30 } }]))

  await leave()
  await nav.getByRole('button', { name: 'Messages' }).click()
  expect(await address(page)).toBe('messages/orders')
  await expect(status).toHaveText('30 messages; that is all.')
  await expect(detail).toBeVisible()
  await nav.getByRole('button', { name: 'Messages' }).click()
  await expect(detail).toBeVisible()
  await leave()
  await setView(page, 'messages/orders')
  await expect(status).toHaveText('30 messages; that is all.')
  await expect(detail).toBeVisible()

  await leave()
  await page.getByRole('main').getByRole('button', { name: 'orders', exact: true }).click()
  await page.getByRole('main').getByRole('button', { name: 'Browse messages' }).click()
  expect(await address(page)).toBe('messages/orders')
  await expect(status).toHaveText('31 messages; that is all.')
  await expect(detail).toHaveCount(0)

  // Before anything was listed there was no list.
  await setView(page, 'messages')
  await expect(page.getByLabel('Topic')).toHaveValue('audit')
  await expect(page.getByRole('grid')).toHaveCount(0)
})

test('the address of what is live follows at once', async ({ context }) => {
  const broker = 'console-address-live'
  const { other, page } = await openOrders(context, broker)
  await page.getByLabel('Topic').selectOption('orders')
  await page.getByLabel('Begin with').selectOption('live')
  await page.getByLabel('Partition').selectOption('1')
  await page.getByRole('button', { name: 'Follow' }).click()
  const live = 'messages/orders/1?from=live'
  expect(await address(page)).toBe(live)
  const elsewhere = await openConsole(context, { broker, view: live })
  const pages = [page, elsewhere]
  for (const one of pages) {
    await expect(one.getByRole('main').getByRole('status')).toContainText('Waiting for messages')
  }
  await other.evaluate(() =>
    tab.send('orders', [
      { value: 'here', partition: 1 },
      { value: 'elsewhere', partition: 0 },
    ]),
  )
  for (const one of pages) {
    await expect(one.getByRole('main').getByRole('status')).toHaveText(/^1 message since/)
    await expect(one.getByRole('grid')).toContainText('here')
  }
})

test('what no address can say is listed, and said to be so', async ({ context }) => {
  const { page } = await openOrders(context, 'console-unwritable')
  await page.getByLabel('Topic').selectOption('orders')
  await page.getByLabel('Key').evaluate((input: HTMLInputElement) => {
    input.value = 'half \ud83d'
    input.dispatchEvent(new Event('input', { bubbles: true }))
  })
  await page.getByRole('button', { name: 'Read', exact: true }).click()
  await expect(page.getByText('No address can say this')).toBeVisible()
  await expect(page.getByRole('main').getByRole('status')).toContainText('0 messages of 30')
  expect(await address(page)).toBe('messages')
})

test('another broker is asked for the same messages', async ({ context }) => {
  const { page } = await openOrders(context, 'console-first')
  const second = await openTab(context, 'console-second')
  await second.evaluate(async () => {
    await tab.admin.createTopics({ topics: [{ topic: 'orders' }] })
    await tab.send('orders', [{ value: 'of the second' }])
  })
  const status = page.getByRole('main').getByRole('status')
  await page.getByLabel('Topic').selectOption('orders')
  await page.getByRole('button', { name: 'Read', exact: true }).click()
  await expect(status).toHaveText('30 messages; that is all.')
  const stores = page.getByRole('button', { name: 'Stores' })
  await stores.click()
  await setView(page, 'messages/orders')
  await expect(status).toHaveText('30 messages; that is all.')
  await page.evaluate(() =>
    document.querySelector('tabmq-console')?.setAttribute('broker', 'console-second'),
  )
  await expect(status).toHaveText('1 message; that is all.')
  await expect(page.getByRole('grid')).toContainText('of the second')
})

test('what was sent leads nobody back who has gone to another view', async ({ context }) => {
  const page = await openTab(context, 'console-sent-late')
  await page.evaluate(async () => {
    await tab.admin.createTopics({ topics: [{ topic: 'orders' }] })
    const producer = tab.mq.producer.bind(tab.mq)
    let go = () => {}
    const gate = new Promise<void>((resolve) => (go = resolve))
    tab.mq.producer = (options) => {
      const made = producer(options)
      const send = made.send.bind(made)
      made.send = async (record) => {
        await gate
        return send(record)
      }
      return made
    }
    Object.assign(globalThis, { go: () => go() })
    const { TabmqConsole } = await tab.loadConsole()
    const element = new TabmqConsole()
    element.connection = tab.mq
    element.view = 'messages/orders'
    document.body.append(element)
  })
  await expect(page.getByRole('main').getByRole('status')).toContainText('There are no messages')
  await page.getByRole('button', { name: 'Send a message' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Send' }).click()
  await setView(page, 'stores')
  await expect(page.getByRole('heading', { name: 'Stores' })).toBeVisible()
  await page.evaluate(() => (globalThis as unknown as { go: () => void }).go())
  await expect(page.getByText('Sent: orders, partition 0, offset 0.')).toBeVisible()
  await expect(page.getByRole('heading', { name: 'Stores' })).toBeVisible()
  expect(await address(page)).toBe('stores')
})

test('what is read is not stopped by the list before it, whatever changes meanwhile', async ({
  context,
}) => {
  const { page } = await openOrders(context, 'console-overlap')
  const status = page.getByRole('main').getByRole('status')
  await setView(page, 'messages/orders?key=user-3')
  await expect(status).toHaveText('3 messages of 30 that were looked at; that is all.')
  await page.locator('tabmq-console').evaluate(async (element) => {
    element.setAttribute('view', 'messages/orders')
    // It is drawn, and once more before the browser has painted it.
    for (let turns = 0; turns < 20; turns++) await Promise.resolve()
    element.setAttribute('readonly', '')
  })
  await expect(status).toHaveText('30 messages; that is all.')
})
