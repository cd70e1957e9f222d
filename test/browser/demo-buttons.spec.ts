/**
 * The rest of the demo's buttons, those of its workers, troubles, outbox and queue: each is pressed, and what
 * it did is looked at in what the broker itself answers.
 */
import type { Page } from '@playwright/test'
import { DemoPage, groupOf } from './demo-page.js'
import { expect, test } from './demo-site.js'

const faultless = { lost: 0, twice: 0, outOfOrder: 0 }

test('workers are stopped and started, this one and all, and dealt partitions by each assignor', async ({
  context,
}) => {
  const [tab, other] = [await DemoPage.open(context), await DemoPage.open(context)]
  await tab.expectTabs(2)
  await tab.click('Stop the worker')
  await expect.poll(() => membersOf(tab.page, 'workers')).toEqual(['tab-2'])
  await tab.click('Start the worker')
  await expect.poll(() => membersOf(tab.page, 'workers')).toEqual(['tab-1', 'tab-2'])
  await other.click('Stop all workers')
  await expect.poll(() => membersOf(tab.page, 'workers')).toEqual([])
  await tab.click('Start all workers')
  await expect.poll(() => membersOf(tab.page, 'workers')).toEqual(['tab-1', 'tab-2'])
  for (const assignor of ['roundrobin', 'sticky', 'range', 'uniform']) {
    await other.page.getByLabel('Assignor').selectOption(assignor)
    await expect
      .poll(() => groupOf(tab.page, 'workers'))
      .toMatchObject({ assignor, state: 'stable' })
    await expect.poll(async () => new Set(await tab.owners()).size).toBe(2)
  }
  await tab.click('Second group')
  await expect.poll(() => membersOf(tab.page, 'auditors')).toEqual(['tab-1'])
  await tab.click('Second group')
  await expect.poll(() => membersOf(tab.page, 'auditors')).toEqual([])
})

test('a group is set to a time, and who was stopped stays so', async ({ context }) => {
  const [tab, other] = [await DemoPage.open(context), await DemoPage.open(context)]
  const { page } = tab
  await tab.expectTabs(2)
  for (const name of ['118 chemical elements', '8 planets', '1,461 days of weather in Seattle']) {
    await page.getByLabel('Real data').selectOption(name)
    await tab.click('Send it')
    await expect(page.getByText(/^Done: .* sent\.$/)).toBeVisible()
  }
  await tab.expectCounts({ sent: 1_587, handled: 1_587, waiting: 0, ...faultless })

  await other.click('Stop the worker')
  await expect.poll(() => membersOf(page, 'workers')).toEqual(['tab-1'])
  const handledHere = await tab.handledHere()
  await page.getByLabel('Offsets to').selectOption('a minute ago')
  await tab.click('Reset')
  // All of it was sent since then, and is handled again: by the one that works.
  await expect.poll(() => tab.handledHere()).toBe(handledHere + 1_587)
  await tab.expectCounts({ sent: 1_587, handled: 1_587, waiting: 0, ...faultless })
  expect(await membersOf(page, 'workers')).toEqual(['tab-1'])

  await tab.click('Pause')
  await tab.send({ key: 'a', value: '1' })
  await tab.expectCounts({ sent: 1_588, waiting: 1 })
  await page.getByLabel('Offsets to').selectOption('a time…')
  await page.getByLabel('The time to reset to').fill('2040-01-01T00:00')
  await tab.click('Reset')
  await expect(page.locator('#verdict')).toContainText('1 message was passed over by a reset')
  expect(await committedOf(page)).toBe(await endsOf(page))
  await tab.click('Resume')
  await expect.poll(() => membersOf(page, 'workers')).toEqual(['tab-1'])
})

test('a poison message holds its partition up until it is set aside', async ({ context }) => {
  const tab = await DemoPage.open(context)
  const { page } = tab
  await tab.click('Poison message')
  await tab.send({ key: 'poison', value: '"behind it"' })
  await expect(page.locator('.tab[data-this] .tab-foot')).toContainText(/Fails at \d:0, tried/)
  await expect.poll(() => lagOf(page, 'workers')).toBe(2)
  await tab.click('Set it aside')
  await expect.poll(() => lagOf(page, 'workers')).toBe(0)
  const [dead] = await page.evaluate(async () => {
    const { messages } = await tabmq.admin().fetchMessages({ topic: 'rows.dead', partition: 0 })
    return messages
  })
  expect(dead).toMatchObject({ value: 'nobody can handle this', headers: { 'died-at': '0' } })
  await tab.expectCounts({ sent: 2, handled: 2, ...faultless })
})

test('orders are saved while the line is cut, and sent on when it is not', async ({ context }) => {
  const tab = await DemoPage.open(context)
  const { page } = tab
  await tab.click('Go offline')
  await tab.click('Save 10 orders')
  await expect(page.locator('#outbox-waiting')).toHaveText('10')
  expect(await endsOf(page, 'outbox')).toBe(10)
  await tab.click('Go online')
  await expect(page.locator('#outbox-sent')).toHaveText('10')
  await expect.poll(() => sentOn(page)).toBe(10)
  await tab.click('Cut the line')
  await tab.click('Save 10 orders')
  await expect.poll(() => endsOf(page, 'outbox')).toBe(20)
  expect(await sentOn(page)).toBe(10)
  await tab.click('Connect the line')
  await expect.poll(() => sentOn(page)).toBe(20)
})

test('jobs are done by whoever works on them, and one that fails is a dead letter', async ({
  context,
}) => {
  const tab = await DemoPage.open(context)
  const { page } = tab
  await tab.click('Add 20 jobs')
  await tab.click('Add one that fails')
  await expect(page.locator('#job-waiting')).toHaveText('21')
  await tab.click('Work on jobs in this tab')
  await expect(page.locator('#job-done')).toHaveText('20', { timeout: 40_000 })
  await expect(page.locator('#job-dead')).toHaveText('1', { timeout: 40_000 })
  await expect(page.locator('.queue-panel')).toContainText('are counted since the broker started')
  expect(await shareGroup(page)).toMatchObject({ members: [{}] })
  await tab.click('Stop working on jobs')
  await expect.poll(() => shareGroup(page)).toMatchObject({ members: [] })
  expect(await endsOf(page, 'jobs.dead')).toBe(1)
  await tab.click('Send the dead letters back')
  await expect(page.locator('#job-waiting')).toHaveText('1')
  await expect(page.locator('#job-dead')).toHaveText('0')
})

test('what others do to the topic and the group is told from faults', async ({ context }) => {
  const tab = await DemoPage.open(context)
  const { page } = tab
  const checker = page.locator('#checker')
  await page.getByLabel('Real data').selectOption('118 chemical elements')
  await tab.click('Send it')
  await tab.expectCounts({ sent: 118, handled: 118, waiting: 0, ...faultless })

  await page.evaluate(() => tabmq.producer().send({ topic: 'rows', messages: [{ value: 1 }] }))
  await expect(checker).toContainText('1 message more was sent by others than these tabs.')
  await expect(checker).toHaveAttribute('data-verdict', 'good')

  await tab.click('Stop all workers')
  await expect.poll(() => membersOf(page, 'workers')).toEqual([])
  await page.evaluate(async () => {
    const partitions = [0, 1, 2, 3, 4, 5].map((partition) => ({ partition, offset: 0 }))
    await tabmq.admin().setOffsets({ groupId: 'workers', topic: 'rows', partitions })
  })
  await tab.click('Start all workers')
  await expect(checker).toContainText('The group was set back from elsewhere')
  await expect(checker).toHaveAttribute('data-verdict', 'explained')
  await expect.poll(() => lagOf(page, 'workers')).toBe(0)
  expect(await tab.count('lost')).toBe(0)

  await tab.click('Stop all workers')
  await expect.poll(() => membersOf(page, 'workers')).toEqual([])
  await tab.send({ key: 'a', value: '1' })
  await tab.expectCounts({ sent: 119, waiting: 1 })
  await page.evaluate(async () => {
    const ends = await tabmq.admin().fetchTopicOffsets('rows')
    const partitions = ends.map(({ partition, high }) => ({ partition, offset: high }))
    await tabmq.admin().setOffsets({ groupId: 'workers', topic: 'rows', partitions })
  })
  await expect(checker).toContainText('1 message was passed over by a reset')
  expect(await tab.count('lost')).toBe(0)
  await tab.click('Start all workers')

  await page.evaluate(() => tabmq.admin().deleteTopics({ topics: ['rows'] }))
  await expect(page.getByText('The topic rows is gone.')).toBeVisible()
  await tab.click('Make it again')
  await tab.expectReady()
  await tab.send({ key: 'a', value: '1' })
  await tab.expectCounts({ sent: 1, handled: 1, ...faultless })
})

test('what retention takes before it was handled is expired, and not lost', async ({ context }) => {
  const tab = await DemoPage.open(context)
  const { page } = tab
  const checker = page.locator('#checker')
  await tab.click('Pause')
  await page.getByLabel('Keep', { exact: true }).selectOption('20.0 kB')
  await page.getByLabel('Real data').selectOption('1,461 days of weather in Seattle')
  await tab.click('Send it')
  await expect(page.getByText(/^Done: /)).toBeVisible()
  await tab.click('Send it')
  await expect(checker).toContainText(
    /[\d,]+ messages were deleted before anybody had handled them/,
  )
  await page.getByLabel('Work per message').fill('0')
  await tab.click('Resume')
  await expect.poll(() => tab.count('waiting'), { timeout: 20_000 }).toBe(0)
  await expect(checker).toHaveAttribute('data-verdict', 'explained')
  expect(await tab.count('lost')).toBe(0)

  await page.getByLabel('Offsets to').selectOption('the beginning')
  await tab.click('Reset')
  await tab.expectReady()
  await expect.poll(() => tab.count('waiting')).toBe(0)
  expect(await tab.count('lost')).toBe(0)
  await expect(checker).toHaveAttribute('data-verdict', 'explained')
})

test('another topic is looked at, and a file that was chosen is let go', async ({ context }) => {
  const tab = await DemoPage.open(context)
  const { page } = tab
  await page.evaluate(() =>
    tabmq.admin().createTopics({ topics: [{ topic: 'other', numPartitions: 2 }] }),
  )
  await page.evaluate(() =>
    tabmq.producer().send({ topic: 'other', messages: [{ partition: 1, value: 'of the other' }] }),
  )
  const topic = page.locator('.topic-choice select')
  const record = page.locator('#record')
  await topic.selectOption('other')
  await expect(page.locator('.lane')).toHaveCount(2)
  const strip = page.locator('.lane-strip').nth(1)
  // The page may hear of the topic first, and of what is in it later.
  await expect(strip).not.toHaveAttribute('aria-valuetext', 'empty')
  await strip.press('Home')
  await expect(record).toContainText('of the other')
  // It is there still when one comes back, and a lesson shows the topic that it speaks of.
  await page.goto('./#/learn/order-by-key/1')
  await expect(topic).toHaveValue('rows')
  await expect(record).toContainText('Click a record')
  await page.goto('./#/stage')
  await expect(topic).toHaveValue('other')
  await expect(record).toContainText('of the other')
  await page.evaluate(() => tabmq.admin().deleteTopics({ topics: ['other'] }))
  await expect(page.getByText('The topic other is gone.')).toBeVisible()
  await expect(record).toContainText('Click a record')

  await page.goto('./#/learn')
  await page.locator('.card').first().waitFor()
  await tab.drop('rows.csv', 'name,n\na,1\n')
  await expect(page).toHaveURL(/#\/stage$/)
  await expect(page.locator('#file-key')).toHaveValue('column:name')
  await tab.click('Cancel')
  await expect(page.locator('#file-key')).toHaveCount(0)
  await expect(page.getByRole('button', { name: 'Choose a file' })).toBeFocused()
  await tab.drop('long.txt', 'x'.repeat(1_200_000))
  await tab.expectMessage(
    /long\.txt: The file has no row that can be sent: line 1 is longer than 1 MB/,
  )
  await tab.expectCounts({ sent: 0, handled: 0 })
})

/** The client ids of its members. */
async function membersOf(page: Page, groupId: string): Promise<string[]> {
  const group = await groupOf(page, groupId)
  return (group?.members ?? []).map(({ clientId }) => clientId).toSorted()
}

async function lagOf(page: Page, groupId: string): Promise<number> {
  const group = await groupOf(page, groupId)
  return (group?.offsets ?? []).reduce((sum, { lag }) => sum + lag, 0)
}

async function committedOf(page: Page): Promise<number> {
  const group = await groupOf(page, 'workers')
  return (group?.offsets ?? []).reduce((sum, { committedOffset = 0 }) => sum + committedOffset, 0)
}

/** Where its logs end, all together. */
function endsOf(page: Page, topic = 'rows'): Promise<number> {
  return page.evaluate(async (name) => {
    const ends = await tabmq.admin().fetchTopicOffsets(name)
    return ends.reduce((sum, { high }) => sum + high, 0)
  }, topic)
}

function shareGroup(page: Page, groupId = 'job-workers') {
  return page.evaluate(async (id) => (await tabmq.admin().describeShareGroups([id]))[0], groupId)
}

/** How many orders the outbox is done with. */
async function sentOn(page: Page): Promise<number> {
  const group = await shareGroup(page, 'uplink')
  return (group?.partitions ?? []).reduce((sum, { startOffset }) => sum + startOffset, 0)
}
