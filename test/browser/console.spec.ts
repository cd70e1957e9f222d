/**
 * The console in a real page: what it shows of a broker that another tab works with, and what its buttons
 * do to it. Whatever is done is looked at through the other tab's connection.
 */
import { expect, test, type BrowserContext, type Page } from '@playwright/test'
import { openTab } from './tabs.js'

async function openConsole(
  context: BrowserContext,
  attributes: Readonly<Record<string, string>>,
): Promise<Page> {
  const page = await context.newPage()
  await page.goto(`/test/browser/pages/console.html?${new URLSearchParams(attributes).toString()}`)
  await expect(page.getByRole('main').getByRole('heading', { level: 2 })).toBeVisible()
  return page
}

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
