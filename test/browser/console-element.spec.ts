/** The element itself: what it lets do, what it shows when things go wrong, and who can use it. */
import { expect, test, type Page } from '@playwright/test'
import { seriousViolations } from './axe.js'
import { fillBroker, openConsole, setView } from './console-page.js'
import { openTab } from './tabs.js'
import { killWorker } from './worker-killer.js'

const VIEWS = ['topics', 'messages', 'groups', 'share-groups', 'exchanges', 'stores', 'health']

async function show(page: Page, view: string): Promise<void> {
  await setView(page, view)
  await expect(page.getByRole('main').getByRole('heading', { level: 2 })).toBeVisible()
}

const ALL = { part: 'tabmq-console' }

/** What of tables is beyond their frame, or not shown at all. */
function cutOff(page: Page): Promise<(string | null)[]> {
  return page.locator('tabmq-console').evaluate((element) => {
    const cells = [...(element.shadowRoot?.querySelectorAll('main :is(th, td)') ?? [])]
    const isCut = (cell: Element) => {
      const right = cell.closest('.scroll')?.getBoundingClientRect().right ?? 0
      const { width, ...box } = cell.getBoundingClientRect().toJSON() as DOMRect
      return cell.textContent !== '' && (width === 0 || box.right > right)
    }
    const tables = [...(element.shadowRoot?.querySelectorAll('main .scroll') ?? [])]
    const tooWide = tables.filter((table) => table.scrollWidth > table.clientWidth)
    return [
      ...cells.filter(isCut).map(({ textContent }) => textContent),
      ...tooWide.map((table) => table.ariaLabel),
    ]
  })
}

/** What can be opened from a view, to be looked at by axe too. */
const OPENINGS: Readonly<Record<string, readonly (readonly [item: string, button?: string])[]>> = {
  topics: [['orders'], ['orders', 'Delete topic']],
  groups: [['reports']],
  'share-groups': [['uploads']],
  exchanges: [['events', 'Add binding']],
  stores: [['balances']],
}

/** All that is another in the dark is its colours, and these have all of them. */
const DARK = ['a malformed filter', 'messages', 'topics', 'groups', 'topics orders Delete topic']

test('axe finds nothing serious in any view, dark or light, and nothing is wider than the page', async ({
  context,
}) => {
  test.setTimeout(180_000)
  await fillBroker(context, 'console-axe')
  const page = await openConsole(context, { broker: 'console-axe' })
  const look = async (what: string) => {
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
    expect(await seriousViolations(page, ALL), what).toEqual([])
    if (!DARK.includes(what)) return
    await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' })
    const colours = { ...ALL, rules: ['color-contrast'] }
    expect(await seriousViolations(page, colours), `${what}, dark`).toEqual([])
  }
  for (const view of VIEWS) {
    await show(page, view)
    if (view === 'messages') {
      await page.getByLabel('Topic').selectOption('orders')
      await page.getByLabel('Filter').fill('value.total >')
      await page.getByRole('button', { name: 'Read', exact: true }).click()
      await expect(page.getByText('At character')).toBeVisible()
      await look('a malformed filter')
      await page.getByLabel('Filter').fill('')
      await page.getByRole('button', { name: 'Read', exact: true }).click()
      await page.getByRole('grid').getByRole('row').nth(2).click()
      await expect(page.getByRole('region', { name: 'Value' })).toBeVisible()
    }
    await look(view)
    for (const [item, button] of OPENINGS[view] ?? []) {
      await page.getByRole('main').getByRole('button', { name: item, exact: true }).click()
      if (button !== undefined) {
        await page.getByRole('button', { name: button, exact: true }).click()
        await expect(page.getByRole('dialog')).toBeVisible()
      }
      await look([view, item, button].join(' ').trimEnd())
      if (button !== undefined) await page.keyboard.press('Escape')
      await page.getByRole('main').getByRole('button', { name: /^← / }).click()
    }
  }
  await page.setViewportSize({ width: 360, height: 740 })
  for (const view of VIEWS) {
    await show(page, view)
    const overflow = () =>
      page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      )
    expect(await overflow(), view).toBeLessThanOrEqual(0)
    // Every row has all its figures in sight.
    expect(await cutOff(page), view).toEqual([])
    for (const [item] of OPENINGS[view]?.slice(0, 1) ?? []) {
      await page.getByRole('main').getByRole('button', { name: item, exact: true }).click()
      await expect(page.getByRole('heading', { level: 2, name: item })).toBeVisible()
      expect(await overflow(), item).toBeLessThanOrEqual(0)
      expect(await cutOff(page), item).toEqual([])
    }
  }
  await show(page, 'share-groups')
  await expect(page.getByRole('rowheader', { name: 'uploads' })).toBeVisible()
  await expect(page.getByRole('cell', { name: 'uploads.failed' })).toBeVisible()
  // A cell that is empty has its place among the others.
  await show(page, 'exchanges/events')
  const table = page.getByRole('table').first()
  const columns = await table.getByRole('columnheader').count()
  const row = table.getByRole('row').nth(1)
  await expect(row.getByRole('rowheader').or(row.getByRole('cell'))).toHaveCount(columns)
})

test('a console that is read-only has nothing to write with', async ({ context }) => {
  await fillBroker(context, 'console-readonly')
  const page = await openConsole(context, { broker: 'console-readonly', readonly: '' })
  await expect(page.getByText('read-only')).toBeVisible()
  const writes = /\b(new|add|change|delete|reset|send|put|clear|remove|publish)\b/i
  const writing = page.getByRole('main').getByRole('button', { name: writes })
  for (const view of VIEWS) {
    await show(page, view)
    const [item] = OPENINGS[view]?.[0] ?? []
    if (item !== undefined) {
      await page.getByRole('main').getByRole('button', { name: item, exact: true }).click()
    }
    if (view === 'messages') {
      await page.getByRole('button', { name: 'Read', exact: true }).click()
      await expect(page.getByRole('button', { name: /Export/ })).toBeVisible()
    }
    await expect(page.getByRole('main').getByRole('heading', { level: 2 })).toBeVisible()
    await expect(writing, view).toHaveCount(0)
  }
  await page.evaluate(() => document.querySelector('tabmq-console')?.removeAttribute('readonly'))
  await show(page, 'topics')
  await expect(page.getByRole('button', { name: 'New topic' })).toBeVisible()
})

test('a broker that dies is waited for, one that cannot be had is told of', async ({ context }) => {
  const broker = 'console-bad'
  const other = await openTab(context, broker)
  await other.evaluate(() => tab.admin.createTopics({ topics: [{ topic: 'before' }] }))
  const page = await openConsole(context, { broker })
  await expect(page.getByText('live, broker epoch 1')).toBeVisible()
  await killWorker(page)
  await expect(page.getByText('live, broker epoch 2')).toBeVisible()
  await expect(page.getByRole('button', { name: 'before' })).toBeVisible()
  await other.evaluate(() => tab.admin.createTopics({ topics: [{ topic: 'after' }] }))
  await expect(page.getByRole('button', { name: 'after' })).toBeVisible()

  await page.evaluate(() => {
    const element = document.querySelector('tabmq-console')
    if (element !== null) element.worker = () => new SharedWorker('/nowhere.js')
  })
  await expect(page.getByText('The broker has not answered yet.')).toBeVisible()
  await page.evaluate(() => {
    const element = document.querySelector('tabmq-console')
    if (element !== null) element.worker = 'https://elsewhere.example/worker.js'
  })
  await expect(page.getByRole('alert')).toContainText('must be of this origin')
  await expect(page.getByRole('button', { name: 'Try again' })).toBeVisible()
  await page.evaluate(() => {
    const element = document.querySelector('tabmq-console')
    if (element !== null) element.worker = undefined
  })
  await expect(page.getByRole('button', { name: 'after' })).toBeVisible()
  await page.evaluate(() =>
    document.querySelector('tabmq-console')?.setAttribute('broker', 'x'.repeat(101)),
  )
  await expect(page.getByRole('alert')).toContainText('INVALID_CONFIG')
})

test('the element lives as its page wants it to', async ({ context }) => {
  const broker = 'console-life'
  const other = await openTab(context, broker)
  const sessions = () =>
    other.evaluate(async () => (await tab.admin.describeCluster()).sessions.length)
  const page = await openConsole(context, { broker, view: 'health' })
  await expect.poll(sessions).toBe(2)

  // Moved, it stays connected, and shows what it did.
  await page.evaluate(() => {
    const element = document.querySelector('tabmq-console') as Element
    const frame = document.createElement('div')
    document.body.append(frame)
    frame.append(element)
  })
  await expect(page.getByRole('heading', { name: 'Health' })).toBeVisible()
  expect(await sessions()).toBe(2)

  const views = page.evaluate(
    () =>
      new Promise((resolve) => {
        const element = document.querySelector('tabmq-console') as HTMLElement
        element.addEventListener('viewchange', (event) => resolve((event as CustomEvent).detail))
      }),
  )
  await page.getByRole('button', { name: 'Stores' }).click()
  expect(await views).toEqual({ view: 'stores' })
  await expect(page.locator('tabmq-console')).toHaveAttribute('view', 'stores')

  // By the keyboard alone; where what was pressed is gone, the focus is at the new view.
  await page.getByRole('button', { name: 'Topics' }).focus()
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'New topic' }).focus()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('dialog').getByLabel('Name')).toBeFocused()
  await page.keyboard.type('typed')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { name: 'typed' })).toBeVisible()
  await expect(page.getByRole('main')).toBeFocused()
  await page.keyboard.press('Tab')
  await expect(page.getByRole('button', { name: 'All topics' })).toBeFocused()
  expect(await other.evaluate(() => tab.admin.listTopics())).toEqual(['typed'])

  // With a client of the page's own it makes none, and leaves that one open.
  await page.evaluate(() => document.querySelector('tabmq-console')?.remove())
  await expect.poll(sessions).toBe(1)
  const isOpen = await other.evaluate(async () => {
    const { TabmqConsole } = await tab.loadConsole()
    const element = new TabmqConsole()
    element.connection = tab.mq
    document.body.append(element)
    await new Promise((resolve) => setTimeout(resolve))
    element.remove()
    await new Promise((resolve) => setTimeout(resolve))
    return tab.admin.listTopics()
  })
  expect(isOpen).toEqual(['typed'])
  expect(await sessions()).toBe(1)

  // When the page closes that one, there is nothing to wait for.
  await other.evaluate(async () => {
    const { TabmqConsole } = await tab.loadConsole()
    const element = new TabmqConsole()
    element.connection = tab.mq
    document.body.append(element)
  })
  await expect(other.getByRole('button', { name: 'typed' })).toBeVisible()
  await other.evaluate(() => tab.mq.close())
  await expect(other.getByRole('alert')).toContainText('The page has closed its connection')
  await expect(other.getByRole('banner')).toContainText('closed by the page')
})

test('at ten thousand messages a second the console goes on, and costs the sender little', async ({
  context,
}) => {
  const other = await openTab(context, 'console-load')
  await other.evaluate(() =>
    tab.admin.createTopics({ topics: [{ topic: 'orders', numPartitions: 6 }] }),
  )
  /** Sends 100 messages every 10 ms, for so long; how long each send took. */
  const load = (forMs: number) =>
    other.evaluate(async (forMs) => {
      const tookMs: number[] = []
      const sends: Promise<void>[] = []
      let sent = 0
      const startMs = performance.now()
      const value = { city: 'Lima', total: 9.5 }
      while (performance.now() - startMs < forMs) {
        const due = Math.floor((performance.now() - startMs) * 10)
        if (due - sent >= 100) {
          const messages = Array.from({ length: due - sent }, (_, at) => ({
            key: `user-${(sent + at) % 100}`,
            value,
          }))
          sent = due
          const atMs = performance.now()
          const send = tab.producer.send({ topic: 'orders', messages })
          sends.push(send.then(() => void tookMs.push(performance.now() - atMs)))
        }
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      await Promise.all(sends)
      tookMs.sort((a, b) => a - b)
      return {
        perSecond: sent / (forMs / 1_000),
        p50: tookMs[Math.floor(tookMs.length / 2)] ?? 0,
        worst: tookMs.at(-1) ?? 0,
      }
    }, forMs)

  await load(500)
  const alone = await load(2_000)
  const page = await openConsole(context, { broker: 'console-load' })
  const watched = page.evaluate(async () => {
    const long: number[] = []
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) long.push(duration)
    }).observe({ type: 'longtask' })
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve))
    const startMs = performance.now()
    let frames = 0
    for (; performance.now() - startMs < 2_000; frames++) await frame()
    return { framesPerSecond: frames / ((performance.now() - startMs) / 1_000), long }
  })
  const withConsole = await load(2_000)
  const { framesPerSecond, long } = await watched
  const ms = (value: number) => `${value.toFixed(1)} ms`
  console.log(
    `${Math.round(withConsole.perSecond)} messages/s: ${framesPerSecond.toFixed(0)} frames/s in the console, ` +
      `${long.length} long tasks (${ms(Math.max(0, ...long))}); a send ${ms(withConsole.p50)} ` +
      `(worst ${ms(withConsole.worst)}), without the console ${ms(alone.p50)} (${ms(alone.worst)})`,
  )
  expect(withConsole.perSecond).toBeGreaterThan(8_000)
  const row = page.getByRole('row', { name: /^orders/ })
  const end = await other.evaluate(async () => {
    const offsets = await tab.admin.fetchTopicOffsets('orders')
    return offsets.reduce((sum, { high }) => sum + high, 0)
  })
  await expect(row).toContainText(new Intl.NumberFormat('en').format(end))
})
