/**
 * The console in the hands of people and of the page around it: what is typed wrongly, where the focus is,
 * what is done while it is taken away, and what it tells the page of where it is.
 */
import { expect, test, type Page } from '@playwright/test'
import type * as Console from '../../src/console/index.js'
import { openConsole, setView } from './console-page.js'
import { openTab } from './tabs.js'

/** A tab with a topic `orders` of 30 messages in three partitions, and `failed` with 4. */
async function openSeeded(context: Parameters<typeof openTab>[0], broker: string): Promise<Page> {
  const other = await openTab(context, broker)
  await other.evaluate(async () => {
    await tab.admin.createTopics({
      topics: [{ topic: 'orders', numPartitions: 3 }, { topic: 'failed' }],
    })
    await tab.send(
      'orders',
      Array.from({ length: 30 }, (_, id) => ({ value: id, partition: id % 3 })),
    )
  })
  return other
}

/** Puts a console with the tab's own client into its page. */
async function addConsole(page: Page, view: string): Promise<void> {
  await page.evaluate(async (view) => {
    const { TabmqConsole } = await tab.loadConsole()
    const element = new TabmqConsole()
    element.connection = tab.mq
    element.view = view
    document.body.append(element)
  }, view)
  await expect(page.getByRole('main').getByRole('heading', { level: 2 })).toBeVisible()
}

test('a number that cannot be read is an error, and never all there is', async ({ context }) => {
  const broker = 'console-numbers'
  const other = await openSeeded(context, broker)
  await other.evaluate(async () => {
    await tab.mq.admin().declareExchange({ exchange: 'spread', type: 'consistent-hash' })
    const worker = tab.mq.shareConsumer({ groupId: 'uploads', deadLetterTopic: 'failed' })
    await worker.subscribe({ topics: ['orders'] })
    await worker.run({ eachMessage: () => {} })
  })
  const page = await openConsole(context, { broker, view: 'topics/orders' })
  const dialog = page.getByRole('dialog')
  const check = async (opener: string, field: string, action: string, wrong: readonly string[]) => {
    await page.getByRole('button', { name: opener, exact: true }).click()
    const input = dialog.getByLabel(field, { exact: true })
    for (const text of wrong) {
      await input.clear()
      await input.pressSequentially(text)
      await expect(dialog.getByRole('button', { name: action }), `${field} ${text}`).toBeDisabled()
      await expect(input).toHaveAttribute('aria-invalid', 'true')
    }
    await input.fill('5')
    await expect(dialog.getByRole('button', { name: action })).toBeEnabled()
    await expect(input).toHaveAttribute('aria-invalid', 'false')
    await page.keyboard.press('Escape')
  }
  const wrong = ['5-', '1e', '1e999', '-5', '10.5']
  await check('Delete messages', 'Before offset', 'Delete messages', wrong)
  await check('Add partitions', 'Partitions in all', 'Add partitions', ['3', '4-', ''])
  await check('Change config', 'Keep up to, bytes', 'Change config', ['1e999', '5-'])
  await page.getByRole('button', { name: 'All topics' }).click()
  await page.getByRole('button', { name: 'New topic' }).click()
  await dialog.getByLabel('Name').fill('more')
  await dialog.getByLabel('Partitions').fill('2.5')
  await expect(dialog.getByRole('button', { name: 'Make topic' })).toBeDisabled()
  await page.keyboard.press('Escape')
  const show = (view: string) => setView(page, view)
  await show('share-groups/uploads')
  await check('Send back', 'At most', 'Send back', ['5-', '0', ...wrong])
  await show('exchanges/spread')
  await check('Add binding', 'Weight', 'Add binding', ['', '0', '2-'])
})

test('after a dialog, and after a message, the focus is where it was', async ({ context }) => {
  const broker = 'console-focus'
  const other = await openSeeded(context, broker)
  await other.evaluate(() => tab.mq.store('balances').put('anna', 1))
  const page = await openConsole(context, { broker, view: 'topics/orders' })
  const dialog = page.getByRole('dialog')
  const opener = page.getByRole('button', { name: 'Change config' })
  await opener.click()
  await page.keyboard.press('Escape')
  await expect(dialog).toHaveCount(0)
  await expect(opener).toBeFocused()
  await opener.click()
  await dialog.getByRole('button', { name: 'Change config' }).click()
  await expect(dialog).toHaveCount(0)
  await expect(opener).toBeFocused()

  // What opened it is gone.
  const show = (view: string) => setView(page, view)
  await show('stores/balances')
  await page.getByRole('button', { name: 'Delete anna' }).click()
  await dialog.getByRole('button', { name: 'Delete entry' }).click()
  await expect(page.getByText('There are no such entries.')).toBeVisible()
  await expect(page.getByRole('main')).toBeFocused()
  await show('topics/failed')
  await page.getByRole('button', { name: 'Delete topic' }).click()
  await dialog.getByRole('button', { name: 'Delete topic' }).click()
  await expect(page.getByRole('heading', { name: 'Topics' })).toBeVisible()
  await expect(page.getByRole('main')).toBeFocused()

  await show('messages/orders')
  const grid = page.getByRole('grid')
  await grid.getByRole('row').nth(1).click()
  await page.getByRole('button', { name: 'Close' }).click()
  await expect(grid).toBeFocused()
})

test('a dialog closes when the console becomes read-only, and does not say that it did anything', async ({
  context,
}) => {
  const broker = 'console-taken'
  const other = await openSeeded(context, broker)
  const page = await openConsole(context, { broker, view: 'topics/orders' })
  const dialog = page.getByRole('dialog')
  await page.getByRole('button', { name: 'Delete topic' }).click()
  await page.evaluate(() => document.querySelector('tabmq-console')?.setAttribute('readonly', ''))
  await expect(dialog).toHaveCount(0)
  await expect(page.getByText('“Delete topic” was not done.')).toBeVisible()
  await expect(page.getByText('was deleted')).toHaveCount(0)
  expect(await other.evaluate(() => tab.admin.listTopics())).toContain('orders')
})

interface Held {
  readonly held: { readonly hold: () => void; readonly release: () => void; made: number }
}

test('what is on its way when its dialog is closed leads the reader nowhere, what was made to its page', async ({
  context,
}) => {
  const page = await openSeeded(context, 'console-cancel')
  await page.evaluate(() => {
    const admin = tab.mq.admin()
    const watch = admin.watch.bind(admin)
    const held = { hold: () => {}, release: () => {}, made: 0 }
    let gate = Promise.resolve()
    held.hold = () => {
      gate = new Promise((resolve) => (held.release = resolve))
    }
    admin.watch = async function* (options) {
      for await (const state of watch(options)) {
        await gate
        yield state
      }
    }
    Object.assign(globalThis, { held })
  })
  await addConsole(page, 'topics')
  await page.evaluate(() => {
    const admin = tab.mq.admin()
    const create = admin.createTopics.bind(admin)
    let go = () => {}
    const gate = new Promise<void>((resolve) => (go = resolve))
    admin.createTopics = async (options) => {
      await gate
      const isMade = await create(options)
      ;(globalThis as unknown as Held).held.made += 1
      return isMade
    }
    Object.assign(globalThis, { go: () => go() })
  })
  const dialog = page.getByRole('dialog')
  await page.getByRole('button', { name: 'New topic' }).click()
  await dialog.getByLabel('Name').fill('late')
  await dialog.getByRole('button', { name: 'Make topic' }).click()
  await expect(dialog.getByRole('button', { name: 'Working…' })).toBeDisabled()
  await dialog.getByRole('button', { name: 'Close' }).click()
  await expect(dialog).toHaveCount(0)
  await expect(page.getByText('what is done cannot be taken back')).toBeVisible()
  await page.evaluate(() => (globalThis as unknown as { go: () => void }).go())
  await expect(page.getByText('Topic late was made.')).toBeVisible()
  await expect(page.getByRole('heading', { name: 'Topics' })).toBeVisible()
  await expect(page.getByRole('button', { name: 'late' })).toBeVisible()

  // Until the console has heard of it, there is no page of it to show.
  await page.evaluate(() => (globalThis as unknown as Held).held.hold())
  await page.getByRole('button', { name: 'New topic' }).click()
  await dialog.getByLabel('Name').fill('unheard')
  await dialog.getByRole('button', { name: 'Make topic' }).click()
  await expect.poll(() => page.evaluate(() => (globalThis as unknown as Held).held.made)).toBe(2)
  // What was made is told of in the next task, and drawn in another.
  await page.evaluate(async () => {
    for (let tasks = 0; tasks < 3; tasks++) await new Promise((resolve) => setTimeout(resolve))
  })
  await expect(dialog.getByRole('button', { name: 'Working…' })).toBeVisible()
  await page.evaluate(() => (globalThis as unknown as Held).held.release())
  await expect(page.getByRole('heading', { name: 'unheard' })).toBeVisible()
})

test('the page can lead it anywhere, and learns where it is', async ({ context }) => {
  const broker = 'console-places'
  const other = await openSeeded(context, broker)
  await other.evaluate(async () => {
    await tab.mq.store('a/b #1').put('x', 1)
    const topics = Array.from({ length: 60 }, (_, id) => ({ topic: `many-${id}` }))
    await tab.admin.createTopics({ topics })
  })
  const page = await openConsole(context, { broker, view: 'messages/orders/2/7' })
  await expect(page.getByLabel('Topic')).toHaveValue('orders')
  await expect(page.getByLabel('Partition')).toHaveValue('2')
  await expect(page.getByRole('main').getByRole('status')).toContainText('3 messages')
  await page.evaluate(() => {
    const told: unknown[] = []
    const element = document.querySelector('tabmq-console') as Console.TabmqConsole
    element.addEventListener('viewchange', (event) => {
      told.push([(event as CustomEvent).detail, element.view, element.getAttribute('view')])
    })
    Object.assign(globalThis, { told })
  })
  const told = () => page.evaluate(() => (globalThis as unknown as { told: unknown[] }).told)
  await page.getByRole('button', { name: 'Stores' }).click()
  await page.getByRole('button', { name: 'a/b #1' }).click()
  await expect(page.getByRole('heading', { name: 'a/b #1' })).toBeVisible()
  const path = 'stores/a%2Fb%20%231'
  expect(await told()).toEqual([
    [{ view: 'stores' }, 'stores', 'stores'],
    [{ view: 'stores', name: 'a/b #1' }, path, path],
  ])
  const show = (view: string) => setView(page, view)
  await show('nowhere/at/all')
  await show('topics/')
  await expect(page.getByRole('heading', { name: 'Topics' })).toBeVisible()
  expect((await told()).length).toBe(3)

  // Another view begins at its top.
  const main = page.getByRole('main')
  const link = main.getByRole('button', { name: 'many-59', exact: true })
  await link.scrollIntoViewIfNeeded()
  expect(await main.evaluate((element) => element.scrollTop)).toBeGreaterThan(0)
  await page.setViewportSize({ width: 1_280, height: 240 })
  await link.click()
  await expect(page.getByRole('heading', { name: 'many-59' })).toBeVisible()
  expect(await main.evaluate((element) => element.scrollTop)).toBe(0)
})

test('what is set before the element is defined is taken over', async ({ context }) => {
  const page = await openSeeded(context, 'console-early')
  await page.evaluate(async () => {
    const element = document.createElement('tabmq-console')
    Object.assign(element, {
      broker: 'console-early',
      readonly: true,
      theme: 'dark',
      view: 'stores',
    })
    document.body.append(element)
    await tab.loadConsole()
  })
  const element = page.locator('tabmq-console')
  await expect(page.getByRole('heading', { name: 'Stores' })).toBeVisible()
  await expect(page.getByText('read-only')).toBeVisible()
  await expect(element).toHaveAttribute('theme', 'dark')
  await expect(element).toHaveAttribute('broker', 'console-early')
  const theme = await element.evaluate((one) => (one as Console.TabmqConsole).theme)
  expect(theme).toBe('dark')
})

test('with the client of the app it is called as that client’s broker', async ({ context }) => {
  const page = await openSeeded(context, 'console-named')
  await addConsole(page, 'topics')
  await expect(page.getByRole('banner')).toContainText('console-named')
})

test('the offsets of all topics of a group are set back at once', async ({ context }) => {
  const broker = 'console-all'
  const other = await openSeeded(context, broker)
  await other.evaluate(async () => {
    await tab.send('failed', [{ value: 1 }, { value: 2 }])
    const groupId = 'billing'
    await tab.admin.resetOffsets({ groupId, topic: 'orders' })
    await tab.admin.resetOffsets({ groupId, topic: 'failed' })
  })
  const page = await openConsole(context, { broker, view: 'groups/billing' })
  const dialog = page.getByRole('dialog')
  await page.getByRole('button', { name: 'Reset offsets' }).click()
  await dialog.getByLabel('Topic').selectOption({ label: 'all 2 of the group' })
  await expect(dialog).toContainText(/where it stands in (orders, failed|failed, orders): all/)
  await dialog.getByRole('button', { name: 'Reset offsets' }).click()
  await expect(page.getByText('The offsets of billing in 2 topics were set.')).toBeVisible()
  const committed = await other.evaluate(() => tab.admin.fetchOffsets({ groupId: 'billing' }))
  expect(committed.flatMap(({ partitions }) => partitions.map(({ offset }) => offset))).toEqual([
    0, 0, 0, 0,
  ])
})

test('it looks alike in any page, and takes the height that it is given', async ({ context }) => {
  const page = await openConsole(context, { broker: 'console-page' })
  const look = () =>
    page.locator('tabmq-console').evaluate((element) => {
      const part = (name: string) => element.shadowRoot?.querySelector(name) as HTMLElement
      const box = (name: string) => part(name).getBoundingClientRect()
      return {
        nav: box('nav').width,
        isNavFirst: box('nav').right <= box('main').left,
        direction: getComputedStyle(part('main')).direction,
        height: element.getBoundingClientRect().height,
      }
    })
  const before = await look()
  expect(before).toMatchObject({ nav: 184, isNavFirst: true, direction: 'ltr' })
  await page.evaluate(() => {
    document.documentElement.dir = 'rtl'
    document.documentElement.style.fontSize = '32px'
  })
  expect(await look()).toEqual(before)
  await page.addStyleTag({ content: 'tabmq-console { height: 200px !important }' })
  expect(await look()).toMatchObject({ height: 200, nav: 184 })
})

test('names stand in the order in which they are looked for', async ({ context }) => {
  const broker = 'console-order'
  const other = await openTab(context, broker)
  await other.evaluate(() => {
    const topics = ['team-10', 'Team-1', 'team-2'].map((topic) => ({ topic }))
    return tab.admin.createTopics({ topics })
  })
  const page = await openConsole(context, { broker })
  const names = page.getByRole('rowheader')
  await expect(names).toHaveText(['Team-1', 'team-2', 'team-10'])
  await page.getByRole('button', { name: 'Topic', exact: true }).click()
  await expect(names).toHaveText(['team-10', 'team-2', 'Team-1'])
})

test('time goes on while nothing else happens', async ({ context }) => {
  const broker = 'console-clock'
  const other = await openSeeded(context, broker)
  await other.evaluate(async () => {
    const worker = tab.mq.shareConsumer({ groupId: 'uploads', lockDurationMs: 30_000 })
    await worker.subscribe({ topics: ['orders'] })
    await worker.run({ eachMessage: () => new Promise(() => {}) })
  })
  const page = await openConsole(context, { broker, view: 'health' })
  const running = page.locator('dl > div').filter({ hasText: 'Running for' })
  const connected = page.getByRole('region', { name: 'Tabs that are connected' }).getByRole('row')
  const goesOn = async (what: typeof running) => {
    const before = (await what.textContent()) ?? ''
    await expect(what).not.toHaveText(before)
  }
  await expect(running).toContainText(' s')
  await goesOn(running)
  await goesOn(connected.nth(1))
})

test('stores are shown as they are, and nothing is asked while nobody looks', async ({
  context,
}) => {
  const broker = 'console-live'
  const other = await openSeeded(context, broker)
  await other.evaluate(() => tab.mq.store('balances').put('anna', 1))
  const page = await openTab(context, broker)
  await page.clock.install()
  await page.evaluate(() => {
    const counts = { described: 0 }
    const admin = tab.mq.admin()
    const describe = admin.describeCluster.bind(admin)
    admin.describeCluster = () => {
      counts.described += 1
      return describe()
    }
    Object.assign(globalThis, { counts })
  })
  await addConsole(page, 'stores')
  await expect(page.getByRole('button', { name: 'balances' })).toBeVisible()
  await other.evaluate(() => tab.mq.store('counts').put('x', 1))
  await page.getByRole('button', { name: 'counts' }).click()
  await other.evaluate(() => tab.mq.store('counts').put('y', 'later'))
  await expect(page.getByRole('row', { name: /^y/ })).toContainText('later')

  const described = () =>
    page.evaluate(
      () => (globalThis as unknown as { counts: { described: number } }).counts.described,
    )
  const see = (state: 'hidden' | 'visible') =>
    page.evaluate((value) => {
      Object.defineProperty(document, 'visibilityState', { value, configurable: true })
      document.dispatchEvent(new Event('visibilitychange'))
    }, state)
  await page.getByRole('button', { name: 'Health' }).click()
  await expect.poll(described).toBe(1)
  await page.clock.fastForward(4_000)
  await expect.poll(described).toBe(2)
  await see('hidden')
  const before = await described()
  for (let times = 0; times < 5; times++) await page.clock.fastForward(4_000)
  expect(await described()).toBe(before)
  await see('visible')
  await expect.poll(described).toBeGreaterThan(before)
})

test('a message is published to an exchange, and said where it went', async ({ context }) => {
  const broker = 'console-publish'
  const other = await openSeeded(context, broker)
  await other.evaluate(async () => {
    await tab.admin.declareExchange({ exchange: 'events', type: 'topic' })
    await tab.admin.bind({ exchange: 'events', topic: 'failed', routingKey: 'order.#' })
    await tab.admin.bind({ exchange: 'events', topic: 'failed', routingKey: '*.lost' })
    await tab.admin.declareExchange({ exchange: 'marked', type: 'headers' })
    const headers = { kind: 'bad' }
    await tab.admin.bind({ exchange: 'marked', topic: 'failed', headers, match: 'all' })
  })
  const page = await openConsole(context, { broker, view: 'exchanges/events' })
  const dialog = page.getByRole('dialog')
  const publish = dialog.getByRole('button', { name: 'Publish' })
  await page.getByRole('button', { name: 'Delete exchange' }).click()
  await expect(dialog).toContainText('its binding to topic failed by “order.#”')
  await expect(dialog).toContainText('its binding to topic failed by “*.lost”')
  await page.keyboard.press('Escape')

  await page.getByRole('button', { name: 'Publish a message' }).click()
  await dialog.getByLabel('Routing key').fill('parcel.sent')
  await dialog.getByLabel('Key', { exact: true }).fill('user-1')
  await dialog.getByLabel('Value', { exact: true }).fill('{"id": 1}')
  await publish.click()
  await expect(dialog.getByRole('alert')).toContainText('UNROUTABLE_MESSAGE')
  await dialog.getByLabel('Routing key').fill('order.lost')
  await publish.click()
  await expect(page.getByText('Published to events: failed 0 at 0.')).toBeVisible()
  await page.evaluate(() =>
    document.querySelector('tabmq-console')?.setAttribute('view', 'exchanges/marked'),
  )
  await page.getByRole('button', { name: 'Publish a message' }).click()
  await dialog.getByLabel('Headers').fill('kind: bad')
  await publish.click()
  await expect(page.getByText('Published to marked: failed 0 at 1.')).toBeVisible()
  const { messages } = await other.evaluate(() =>
    tab.admin.fetchMessages({ topic: 'failed', partition: 0 }),
  )
  expect(messages).toMatchObject([
    { key: 'user-1', value: { id: 1 } },
    { value: {}, headers: { kind: 'bad' } },
  ])
})

test('each label leads to its own field, however often the element was changed', async ({
  context,
}) => {
  const broker = 'console-labels'
  await openSeeded(context, broker)
  const page = await openConsole(context, { broker, view: 'messages/orders' })
  const readonly = page.getByText('read-only')
  for (const count of [1, 0, 1]) {
    await page.locator('tabmq-console').evaluate((one) => one.toggleAttribute('readonly'))
    await expect(readonly).toHaveCount(count)
  }
  await page.getByLabel('Begin with').selectOption('offset')
  await page.getByLabel('Offset', { exact: true }).fill('7')
  await page.getByRole('button', { name: 'Read', exact: true }).click()
  await expect(page.getByRole('heading', { name: 'orders, from offset 7 on' })).toBeVisible()
})
