/** The demo page as a newcomer uses it: three tabs, the sample, a tab that closes, a reload. */
import type { Page } from '@playwright/test'
import { DemoPage } from './demo-page.js'
import { expect, test } from './demo-site.js'

const SAMPLE_ROWS = 10_000
const faultless = { lost: 0, twice: 0, outOfOrder: 0 }

test('three tabs share the work, take over from one that closes, and repeat nothing', async ({
  context,
}) => {
  const first = await DemoPage.open(context)
  const second = await DemoPage.open(context)
  const third = await DemoPage.open(context)
  await first.expectTabs(3)
  await first.setWorkMs(1)
  await first.click('Load the sample')
  await first.expectHandledOver(1_500)
  expect(new Set(await first.owners())).toEqual(new Set(['Tab 1', 'Tab 2', 'Tab 3']))

  await third.page.close()
  await first.expectTabs(2)
  await expect.poll(async () => new Set(await first.owners())).toEqual(new Set(['Tab 1', 'Tab 2']))
  expect(await first.count('waiting')).toBeGreaterThan(0)

  const done = { sent: SAMPLE_ROWS, handled: SAMPLE_ROWS, waiting: 0, ...faultless }
  await first.expectCounts(done)
  await second.expectCounts(done)
  expect(await second.handledHere()).toBeGreaterThan(0)

  await Promise.all([first.page.reload(), second.page.reload()])
  for (const tab of [first, second]) {
    await tab.expectReady()
    await tab.expectTabs(2)
    await tab.expectCounts(done)
    expect(await tab.handledHere()).toBe(0)
  }
})

test.describe('where everything moves', () => {
  test.use({ contextOptions: { reducedMotion: 'no-preference' } })

  test('a message that a handler passes over turns the checker red', async ({ context }) => {
    const tab = await DemoPage.open(context)
    await tab.send({ key: 'a', value: '{"number": 1}' })
    await expect(tab.page.locator('#produce-result')).toHaveText(
      /Sent as JSON: partition \d, offset 0/,
    )
    await tab.expectCounts({ sent: 1, handled: 1, ...faultless })
    await tab.click('Skip one message')
    await tab.send({ key: 'a', value: 'two' })
    await tab.expectCounts({ sent: 2, handled: 1, lost: 1, twice: 0, outOfOrder: 0 })
    await expect(tab.page.locator('#checker')).toHaveAttribute('data-verdict', 'red')
    await expect(tab.page.locator('#verdict')).toHaveText(/Lost: partition \d, offset 1/)
  })
})

test('a file is sent by the key that is chosen, and what is wrong with one is said', async ({
  context,
}) => {
  const tab = await DemoPage.open(context)
  await tab.drop('picture.png', [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0])
  await tab.expectMessage(/picture\.png: This is not a text file/)
  await tab.drop('nothing.csv', '')
  await tab.expectMessage(/nothing\.csv: The file is empty/)
  await tab.expectNoMessage(/picture\.png/)

  await tab.drop('events.ndjson', '{"user":"u1"}\n{"user":\n{"user":"u2"}\n')
  await expect(tab.page.locator('#file-key')).toHaveValue('column:user')
  await tab.click('Send the file')
  await tab.expectMessage(/events\.ndjson: Line 2 is not valid JSON and was sent as text/)
  await tab.expectCounts({ sent: 3, handled: 3, ...faultless })
  await expect(tab.page.getByText('Done: 3 rows of events.ndjson sent.')).toBeVisible()
  await expect(tab.page.getByRole('button', { name: 'Choose a file' })).toBeFocused()

  await tab.drop('other.ndjson', '{"user":"u1"}\n')
  await expect(tab.page.getByRole('button', { name: 'Send the file' })).toBeVisible()
  await expect(tab.page.getByText('Done: 3 rows')).toBeHidden()
})

test('a group is set back, stopped and started, and a cleared topic starts anew', async ({
  context,
}) => {
  const [other, tab] = [await DemoPage.open(context), await DemoPage.open(context)]
  await tab.expectTabs(2)
  await tab.send({ key: 'a', value: '1' })
  await tab.send({ key: 'b', value: '2' })
  await tab.expectCounts({ sent: 2, handled: 2 })

  await tab.click('Stop all workers')
  await expect(tab.page.locator('#broker-group')).toHaveText('empty')
  await tab.send({ key: 'a', value: '3' })
  await tab.expectCounts({ sent: 3, handled: 2, waiting: 1, ...faultless })
  await tab.page.getByLabel('Offsets to').selectOption('the end')
  await tab.click('Reset')
  await tab.expectCounts({ sent: 3, handled: 2, waiting: 0, ...faultless })
  await expect(tab.page.locator('#verdict')).toContainText('1 message was passed over by a reset')
  await expect(tab.page.locator('#broker-group')).toHaveText('empty')
  await tab.click('Start all workers')
  await tab.expectReady()

  await tab.page.getByLabel('Offsets to').selectOption('the beginning')
  const reset = tab.page.getByRole('button', { name: 'Reset', exact: true })
  await reset.dblclick()
  await expect(reset).toBeFocused()
  await expect(reset).toHaveAttribute('aria-disabled', 'false')
  await expect.poll(() => tab.page.locator('#verdict').textContent()).not.toContain('passed over')
  await tab.expectCounts({ sent: 3, handled: 3, waiting: 0, ...faultless })
  await tab.expectReady()
  await tab.expectNoMessage(/./)

  await tab.page.getByRole('button', { name: 'Clear the topic' }).dblclick()
  await tab.expectCounts({ sent: 0, handled: 0, waiting: 0, ...faultless })
  await other.expectMessage(/^Tab 2 cleared the topic/)
  await tab.send({ key: 'a', value: '3' })
  await tab.expectCounts({ sent: 1, handled: 1, ...faultless })
  await tab.expectNoMessage(/./)
})

test('a topic that is cleared while tabs work on it raises no alarm', async ({ context }) => {
  const [other, tab] = [await DemoPage.open(context), await DemoPage.open(context)]
  await tab.expectTabs(2)
  await tab.setWorkMs(1)
  await tab.click('Load the sample')
  await expect(tab.page.getByText('Done: 10,000 rows')).toBeVisible()
  await tab.expectHandledOver(500)
  await tab.click('Clear the topic')
  await other.expectMessage(/^Tab 2 cleared the topic/)
  await other.send({ key: 'a', value: '1' })
  await tab.expectCounts({ sent: 1, handled: 1, waiting: 0, ...faultless })
  for (const one of [tab, other]) await one.expectNoMessage(/./)
})

test('a ledger that has grown long is summed up, and comes to the same', async ({ context }) => {
  const tab = await DemoPage.open(context)
  const { page } = tab
  await page.getByLabel('Real data').selectOption('118 chemical elements')
  await tab.click('Send it')
  await tab.expectCounts({ sent: 118, handled: 118, waiting: 0, ...faultless })
  await tab.click('Skip one message')
  await tab.send({ key: 'a', value: '1' })
  await tab.expectCounts({ sent: 119, handled: 118, lost: 1 })
  // That a broker began says nothing of any message.
  await page.evaluate(async () => {
    const [topic] = (await tabmq.admin().fetchTopicMetadata({ topics: ['rows'] })).topics
    const database = await openLedger()
    const rows = database.transaction('rows', 'readwrite').objectStore('rows')
    for (let at = 0; at < 20_001; at++) {
      const row = { kind: 'broker', epoch: topic?.topicId, tab: 1, atMs: 1, startedAtMs: 1 }
      rows.add({ ...row, rowId: `test.${at}` })
    }
    database.close()

    function openLedger(): Promise<IDBDatabase> {
      return new Promise((resolve, reject) => {
        const request = indexedDB.open('tabmq-demo-ledger')
        request.addEventListener('success', () => resolve(request.result))
        request.addEventListener('error', () => reject(request.error ?? new Error('no ledger')))
      })
    }
  })
  await tab.send({ key: 'a', value: '2' })
  await expect.poll(() => ledgerRows(page)).toBeLessThan(100)
  const counts = { sent: 120, handled: 119, waiting: 0, ...faultless, lost: 1 }
  await tab.expectCounts(counts)
  await page.reload()
  await tab.expectReady()
  await tab.expectCounts(counts)
  await expect(page.locator('#verdict')).toContainText('Lost: partition')
  await tab.send({ key: 'a', value: '3' })
  await tab.expectCounts({ ...counts, sent: 121, handled: 120 })
})

test('what is published under a routing key is in the queues that are bound by it', async ({
  context,
}) => {
  const { page } = await DemoPage.open(context)
  const publish = async (key: string) => {
    await page.getByLabel('Routing key').fill(key)
    await page.getByRole('button', { name: 'Publish' }).click()
  }
  const result = page.locator('#exchange-result')
  await publish('order.eu.created')
  await expect(result).toContainText('events.orders')
  await expect(result).toContainText('events.europe')
  await publish('user.us.left')
  await expect(result).toHaveText('Stored in events.all.')
  const queues = page.locator('#exchange-queues > li')
  await expect(queues.filter({ hasText: 'events.all' })).toContainText('2 messages')
  await expect(queues.filter({ hasText: 'events.europe' })).toContainText('1 message')
  await expect(page.locator('#exchange-counts')).toHaveText(
    '2 messages published since the broker started.',
  )
})

test('without SharedWorker the page says so once and offers nothing', async ({ page }) => {
  await page.addInitScript(() => Reflect.deleteProperty(globalThis, 'SharedWorker'))
  await page.goto('.')
  await expect(page.locator('#notice')).toHaveText(/This browser has no SharedWorker/)
  await expect(page.locator('.message')).toHaveCount(0)
  await expect(page.getByRole('button', { name: 'Load the sample' })).toBeDisabled()
  await expect(page.locator('main :is(button, input, select, textarea):enabled')).toHaveCount(0)
})

test('what has the focus is not under the bar at the top', async ({ context }) => {
  const { page } = await DemoPage.open(context)
  await page.setViewportSize({ width: 1280, height: 900 })
  await page.getByRole('button', { name: 'Send', exact: true }).focus()
  await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight))
  const focused = page.locator(':focus')
  const ringWidth = 5
  for (let text = ''; text !== 'Open another tab'; text = (await focused.textContent()) ?? '') {
    await page.keyboard.press('Shift+Tab')
    const [bar, control] = [
      await page.locator('.sticky').boundingBox(),
      await focused.boundingBox(),
    ]
    const barEnd = (bar?.y ?? 0) + (bar?.height ?? 0)
    const controlStart = (control?.y ?? 0) - ringWidth
    expect(controlStart, `the top of the focused control, below ${barEnd}`).toBeGreaterThan(barEnd)
  }
})

test('on a small screen the bar at the top shows one message of several', async ({ context }) => {
  const tab = await DemoPage.open(context)
  await tab.page.setViewportSize({ width: 390, height: 844 })
  await tab.click('Close one')
  await tab.expectMessage(/only you can close/)
  await tab.drop('nothing.csv', '')
  await tab.expectMessage(/nothing\.csv: The file is empty/)
  await expect(tab.page.locator('.message:visible')).toHaveCount(1)
  await expect(tab.page.locator('#messages')).toHaveAttribute('data-earlier', '1')
  const bar = await tab.page.locator('.sticky').boundingBox()
  expect(bar?.height).toBeLessThan(844 / 4)
  await tab.click('Close this message')
  await expect(tab.page.locator('.message:visible')).toHaveText(/only you can close/)
  await expect(tab.page.getByRole('button', { name: 'Close this message' })).toBeFocused()
})

/** How many rows the checker's ledger has. */
function ledgerRows(page: Page): Promise<number> {
  return page.evaluate(
    () =>
      new Promise<number>((resolve, reject) => {
        const request = indexedDB.open('tabmq-demo-ledger')
        request.addEventListener('error', () => reject(request.error ?? new Error('no ledger')))
        request.addEventListener('success', () => {
          const database = request.result
          const counting = database.transaction('rows').objectStore('rows').count()
          counting.addEventListener('success', () => {
            database.close()
            resolve(counting.result)
          })
        })
      }),
  )
}
