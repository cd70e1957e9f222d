/** The console in the demo page: what it shows is in the address, to be shared and to go back from. */
import { expect, test } from './demo-site.js'
import { DemoPage } from './demo-page.js'

test('a reload shows the same, and Back what was shown before', async ({ context }) => {
  const { page } = await DemoPage.open(context)
  const heading = page.locator('tabmq-console').getByRole('heading', { level: 2 })
  const hash = () => new URL(page.url()).hash
  await page.getByRole('link', { name: 'Console' }).click()
  await expect(heading).toHaveText('Topics')
  const main = page.locator('tabmq-console').getByRole('main')
  const topic = (await main.getByRole('row').nth(1).getByRole('button').textContent()) ?? ''
  await main.getByRole('button', { name: topic, exact: true }).click()
  await expect(heading).toHaveText(topic)
  expect(hash()).toBe(`#/console/topics/${topic}`)
  await main.getByRole('button', { name: ': its messages' }).nth(1).click()
  await expect(heading).toHaveText('Messages')
  const place = new RegExp(`^#/console/messages/${topic}/\\d+$`)
  expect(hash()).toMatch(place)

  await page.reload()
  await expect(main.getByLabel('Topic')).toHaveValue(topic)
  expect(hash()).toMatch(place)
  await page.goBack()
  await expect(heading).toHaveText(topic)
  await page.goBack()
  await expect(heading).toHaveText('Topics')
  expect(hash()).toBe('#/console')
  await page.goForward()
  await expect(heading).toHaveText(topic)
  await page.goForward()
  await expect(main.getByLabel('Topic')).toHaveValue(topic)
  for (let steps = 0; steps < 3; steps++) await page.goBack()
  await expect(page.locator('.lane').first()).toBeVisible()
})
