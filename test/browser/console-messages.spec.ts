/** What the message browser says of what it shows, and that it keeps it. */
import { expect, test } from '@playwright/test'
import { openConsole } from './console-page.js'
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
  await read.click()
  await expect(status).toHaveText('200 messages; there is more.')
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
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText())
  await detail.getByRole('button', { name: 'Copy Key' }).click()
  await expect(page.getByText('Key copied.')).toBeVisible()
  expect(await clipboard()).toBe(long)
  await detail.getByRole('button', { name: 'Copy Value' }).click()
  await expect(page.getByText('Value copied.')).toBeVisible()
  expect(await clipboard()).toBe('{"a":1}')
})
