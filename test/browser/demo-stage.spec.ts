/**
 * The buttons of the stage: each is pressed, and what it did is looked at in what the broker answers or in
 * what another tab shows.
 */
import type { Page } from '@playwright/test'
import { seriousViolations } from './axe.js'
import { DemoPage, groupOf } from './demo-page.js'
import { expect, test } from './demo-site.js'
import { SCENARIOS } from '../../demo/learn/scenarios.js'
import { VIEWS as CONSOLE_VIEWS } from '../../src/console/route.js'
import { SpawnedBrowser } from './spawned-browser.js'

const faultless = { lost: 0, twice: 0, outOfOrder: 0 }

test('tabs are opened and closed, and pop-ups that are blocked are said to be', async ({
  context,
}) => {
  const tab = await DemoPage.open(context)
  await tab.click('Open five')
  await tab.expectTabs(6)
  expect(new Set(await tab.owners()).size).toBe(6)
  await expect(tab.page.locator('.tab[data-this]')).toHaveCount(1)
  await tab.click('Close one')
  await tab.expectTabs(5)
  await expect(tab.page.locator('.tab[data-presence=gone]')).toHaveCount(1)
  await expect(tab.page.locator('#rebalances')).toContainText('Tab 6 left')
  expect(context.pages()).toHaveLength(5)
  await tab.click('Open another tab')
  await tab.expectTabs(6)
  // Its address can be opened by hand: what the page has opened, it knows by itself, and after a reload.
  for (const page of context.pages()) expect(page.url()).not.toContain('?')
  const last = context.pages().at(-1)
  await last?.reload()
  if (last !== undefined) await new DemoPage(last).expectReady()
  await tab.click('Close one')
  await tab.expectTabs(5)
  expect(last?.isClosed()).toBe(true)

  await tab.page.evaluate(() => {
    window.open = () => null
  })
  await tab.click('Open a tab')
  await tab.expectMessage(/No new tab has come: it may block pop-ups/)
})

test('what the buttons of the group and the topic say is what the broker has', async ({
  context,
}) => {
  const tab = await DemoPage.open(context)
  const { page } = tab
  const group = () => groupOf(page, 'workers')
  const topic = () => topicNow(page)

  await page.getByLabel('Assignor').selectOption('range')
  await expect.poll(group).toMatchObject({ assignor: 'range', state: 'stable' })
  await page.getByLabel('Members').selectOption('static')
  await expect.poll(group).toMatchObject({ members: [{ groupInstanceId: 'tab-1' }] })
  await tab.expectReady()

  await tab.click('Add two partitions')
  await expect.poll(topic).toMatchObject({ partitions: 8 })
  await expect(page.locator('.lane')).toHaveCount(8)
  await page.getByLabel('Real data').selectOption('118 chemical elements')
  await tab.click('Send it')
  await tab.expectCounts({ sent: 118, handled: 118, ...faultless })
  const keep = page.getByLabel('Keep', { exact: true })
  await keep.selectOption('20.0 kB')
  await expect.poll(topic).toMatchObject({ config: { retentionBytes: 20_000 } })
  // As others set it, too.
  const config = { retentionBytes: 50_000_000 }
  await page.evaluate(
    (it) => tabmq.admin().alterConfigs({ topics: [{ topic: 'rows', config: it }] }),
    config,
  )
  await expect(keep.locator('option:checked')).toHaveText('50.0 MB')
  await keep.selectOption('20.0 kB')
  await expect.poll(topic).toMatchObject({ config: { retentionBytes: 20_000 } })

  const rate = page.getByLabel('Messages a second, as a number')
  for (const [typed, set] of [
    ['99999', '50000'],
    ['99999', '50000'],
    ['-5', '1'],
    ['0', '1'],
  ] as const) {
    await rate.fill(typed)
    await rate.press('Enter')
    await expect(rate, 'what is set is shown').toHaveValue(set)
  }
  await rate.fill('3000')
  await page.getByLabel('Work per message').fill('0')
  await tab.click('Start')
  await expect.poll(async () => (await topic()).start).toBeGreaterThan(0)
  await tab.click('Stop')
  await expect(page.getByRole('button', { name: 'Start', exact: true })).toBeVisible()
  await expect.poll(() => tab.count('waiting')).toBe(0)

  await tab.click('Pause')
  await tab.send({ key: 'a', value: '1' })
  await expect(page.locator('#tab-state')).toHaveText('paused')
  await tab.expectCounts({ waiting: 1 })
  await tab.click('Resume')
  await tab.expectCounts({ waiting: 0, lost: 0, outOfOrder: 0 })

  const strip = page.locator('.lane-strip').first()
  await strip.focus()
  await page.keyboard.press('End')
  await expect(page.locator('#record')).toContainText('topic-id')
  const last = Number(await strip.getAttribute('aria-valuenow'))
  await page.keyboard.press('ArrowLeft')
  await expect(strip).toHaveAttribute('aria-valuenow', String(last - 1))
  await expect(page.locator('#record')).toContainText((last - 1).toLocaleString('en'))
  await strip.click({ position: { x: 60, y: 20 } })
  expect(Number(await strip.getAttribute('aria-valuenow'))).toBeLessThan(last - 1)
})

test('keys that added partitions move are handled out of order, and that is said', async ({
  context,
}) => {
  const tab = await DemoPage.open(context)
  const checker = tab.page.locator('#checker')
  await tab.setWorkMs(5)
  await tab.click('Send it')
  await tab.expectHandledOver(10)
  await tab.click('Add two partitions')
  await expect.poll(() => topicNow(tab.page)).toMatchObject({ partitions: 8 })
  await tab.click('Send it')
  await expect(checker).toHaveAttribute('data-verdict', 'explained')
  await expect(checker).toContainText('Added partitions moved keys')
  await tab.setWorkMs(0)
  await expect.poll(() => tab.count('waiting')).toBe(0)
  expect(await tab.count('outOfOrder')).toBeGreaterThan(0)
  await expect(checker).toHaveAttribute('data-verdict', 'explained')
})

test('a handler that hangs loses its partitions, and has them again when it is done', async ({
  context,
}) => {
  const [tab, other] = [await DemoPage.open(context), await DemoPage.open(context)]
  await tab.expectTabs(2)
  await tab.click('Slow consumer')
  await expect(tab.page.locator('.tab[data-this] .tab-foot')).toContainText('Slow')
  await tab.click('Slow consumer')
  await tab.click('Hang for 20 s')
  await other.page.getByLabel('Messages a second, as a number').fill('20')
  await other.click('Start')
  await expect(tab.page.locator('.tab[data-this] .tab-foot')).toContainText('hangs, for')
  await expect
    .poll(async () => new Set(await other.owners()), { timeout: 20_000 })
    .toEqual(new Set(['Tab 2']))
  // Who hangs while all are halted goes on with them, as soon as it can.
  await other.page.getByLabel('Offsets to').selectOption('the end')
  await other.click('Reset')
  await expect(other.page.locator('#verdict')).toContainText('passed over by a reset')
  await expect
    .poll(async () => new Set(await other.owners()), { timeout: 25_000 })
    .toEqual(new Set(['Tab 1', 'Tab 2']))
  await other.click('Stop')
  await expect.poll(() => other.count('waiting')).toBe(0)
  expect(await other.count('lost')).toBe(0)
  expect(await other.count('outOfOrder')).toBe(0)
})

test('a broker that is killed is followed by another, and one says how a tab is frozen', async ({
  context,
}) => {
  const tab = await DemoPage.open(context)
  const incarnation = tab.page.locator('#broker-incarnation')
  const before = (await incarnation.textContent()) ?? ''
  await tab.click('Kill the broker')
  await expect(incarnation).not.toHaveText(before)
  await expect(tab.page.locator('#broker-epoch')).toHaveText('2')
  const other = await DemoPage.open(context)
  await tab.expectTabs(2)
  await tab.page.getByLabel('Messages a second, as a number').fill('500')
  await tab.click('Start')
  await other.expectHandledOver(500)
  await other.click('Kill the broker')
  await expect(tab.page.locator('#broker-epoch')).toHaveText('3')
  await tab.expectHandledOver((await tab.count('handled')) + 500)
  await tab.click('Stop')
  await expect.poll(() => tab.count('waiting')).toBe(0)
  // What was handled and not committed came again, and is explained.
  await expect(tab.page.locator('#checker')).toHaveAttribute('data-verdict', /good|explained/)
  expect(await tab.count('lost')).toBe(0)
  expect(await tab.count('outOfOrder')).toBe(0)

  await tab.click('Freeze this tab…')
  await expect(tab.page.getByRole('dialog')).toContainText('chrome://discards')
  await tab.click('Close')
  await expect(tab.page.getByRole('dialog')).toHaveCount(0)
  await tab.click('Ask it to keep it')
  await tab.expectMessage(/The browser (has promised|made no promise)/)
})

test('a tab behind another is hidden, one that the browser freezes is frozen, and then thaws', async ({
  baseURL,
}) => {
  const browser = await SpawnedBrowser.start(baseURL ?? '')
  try {
    const behind = new DemoPage(await browser.openPage(''))
    await behind.expectReady()
    const front = new DemoPage(await browser.openPage(''))
    await front.expectTabs(2)
    const card = front.page.locator('.tab[data-tab="1"]')
    await browser.hide(behind.page, front.page)
    await expect(card).toHaveAttribute('data-presence', 'hidden')
    await browser.freeze(behind.page)
    await expect(card).toHaveAttribute('data-presence', 'frozen')
    await browser.resume(behind.page)
    await expect(card).toHaveAttribute('data-presence', 'hidden')
  } finally {
    await browser.close()
  }
})

test('nothing is wider than the smallest screen, in any view', async ({ context }) => {
  const { page } = await DemoPage.open(context)
  await page.setViewportSize({ width: 360, height: 740 })
  for (const [hash, selector] of VIEWS) {
    await page.goto(hash)
    await page.locator(selector).first().waitFor()
    const widths = page.evaluate(() => [document.documentElement.scrollWidth, innerWidth])
    expect(await widths, hash).toEqual([360, 360])
  }
})

test('the sending of a large file is stopped, and one that is not text changes nothing', async ({
  context,
}) => {
  const tab = await DemoPage.open(context)
  await tab.page.getByLabel('Work per message').fill('0')
  await tab.page.evaluate(() => {
    const line = `${'x'.repeat(9_999)}\n`
    const transfer = new DataTransfer()
    transfer.items.add(
      new File(
        Array.from({ length: 10_000 }, () => line),
        'large.txt',
      ),
    )
    document.body.dispatchEvent(
      new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: transfer }),
    )
  })
  await tab.click('Send the file')
  await tab.expectHandledOver(500)
  await tab.click('Stop sending')
  await expect(tab.page.getByText(/^Stopped: .* rows of large\.txt sent/)).toBeVisible()
  const sent = await tab.count('sent')
  await tab.drop('picture.png', [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0])
  await tab.expectMessage(/picture\.png: This is not a text file/)
  await tab.expectCounts({ waiting: 0, ...faultless })
  expect(await tab.count('sent')).toBeGreaterThanOrEqual(sent)
})

test('axe finds nothing serious in any view, light and dark', async ({ context }) => {
  test.setTimeout(120_000)
  const tab = await DemoPage.open(context)
  const { page } = tab
  await tab.click('Send it')
  await tab.expectHandledOver(200)
  await page.locator('.lane-strip').first().focus()
  await page.keyboard.press('End')
  for (const [hash, selector, part] of VIEWS) {
    await page.goto(hash)
    await page.locator(selector).first().waitFor()
    await page.getByLabel('Theme').selectOption('light')
    expect(await seriousViolations(page, { part }), hash).toEqual([])
    if (!DARK.has(hash)) continue
    // All that is another in the dark is colours, and these have all of them.
    await page.getByLabel('Theme').selectOption('dark')
    const rules = ['color-contrast']
    expect(await seriousViolations(page, { part, rules }), `${hash}, dark`).toEqual([])
  }
})

/** Where, what to wait for there, and what of it no other view has. */
const VIEWS: readonly (readonly [hash: string, selector: string, part: string])[] = [
  ['./#/stage', '.lane', 'html'],
  ['./#/learn', '.card', 'html'],
  ...SCENARIOS.map(({ id }) => [`./#/learn/${id}/1`, '.lesson', '.lesson'] as const),
  ...CONSOLE_VIEWS.map((view) => [`./#/console/${view}`, 'tabmq-console h2', 'main'] as const),
]

const DARK = new Set(['./#/stage', './#/learn', './#/learn/crash/1', './#/console/topics'])

/** What the broker itself answers, asked past all that the page shows. */
function topicNow(page: Page) {
  return page.evaluate(async () => {
    const admin = tabmq.admin()
    const { topics } = await admin.fetchTopicMetadata({ topics: ['rows'] })
    const ends = await admin.fetchTopicOffsets('rows')
    return {
      partitions: topics[0]?.partitions.length,
      config: topics[0]?.config,
      start: ends.reduce((sum, { low }) => sum + low, 0),
    }
  })
}
