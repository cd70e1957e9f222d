/** The demo page as a newcomer uses it: three tabs, the sample, a tab that closes, a reload. */
import { expect, test } from '@playwright/test'
import { DemoPage } from './demo-page.js'

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

test('a file is sent by the key that is chosen, and what is wrong with one is said', async ({
  context,
}) => {
  const tab = await DemoPage.open(context)
  await tab.drop('picture.png', [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0])
  await tab.expectMessage(/picture\.png: This is not a text file/)
  await tab.drop('nothing.csv', '')
  await tab.expectMessage(/nothing\.csv: The file is empty/)

  await tab.drop('events.ndjson', '{"user":"u1"}\n{"user":\n{"user":"u2"}\n')
  await expect(tab.page.getByLabel('Key', { exact: true }).first()).toHaveValue('column:user')
  await tab.click('Send it')
  await tab.expectMessage(/events\.ndjson: Line 2 is not valid JSON and was sent as text/)
  await tab.expectCounts({ sent: 3, handled: 3, ...faultless })
})

test('a replay needs an empty group, and a cleared topic starts anew', async ({ context }) => {
  const tab = await DemoPage.open(context)
  await tab.send({ key: 'a', value: '1' })
  await tab.send({ key: 'b', value: '2' })
  await tab.expectCounts({ sent: 2, handled: 2 })

  await tab.click('Replay from the beginning')
  await tab.expectMessage(/NON_EMPTY_GROUP/)
  await tab.click('Stop all workers')
  await expect(tab.page.locator('#broker-group')).toHaveText('empty')
  await tab.click('Replay from the beginning')
  await tab.expectCounts({ sent: 2, handled: 0, waiting: 2, ...faultless })
  await tab.click('Start all workers')
  await tab.expectCounts({ sent: 2, handled: 2, waiting: 0, ...faultless })
  await tab.expectReady()

  await tab.click('Clear the topic')
  await tab.expectCounts({ sent: 0, handled: 0, waiting: 0, ...faultless })
  await tab.send({ key: 'a', value: '3' })
  await tab.expectCounts({ sent: 1, handled: 1, ...faultless })
})
