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

  // From the stage on, the console is made anew, as when the page is loaded.
  await page.evaluate(() => (location.hash = '#/console/nowhere'))
  await expect(heading).toHaveText('Topics')
  await expect.poll(hash).toBe('#/console/topics')
})

test('what is listed is in the address: to be read again, and gone back from', async ({
  context,
}) => {
  const { page } = await DemoPage.open(context)
  const main = page.locator('tabmq-console').getByRole('main')
  const status = main.getByRole('status')
  const filter = main.getByLabel('Filter')
  const begin = main.getByLabel('Begin with')
  const hash = () => new URL(page.url()).hash
  await page.getByRole('link', { name: 'Console' }).click()
  await page.locator('tabmq-console').getByRole('button', { name: 'Messages' }).first().click()
  const topic = await main.getByLabel('Topic').inputValue()
  await page.evaluate(async (topic) => {
    const producer = tabmq.producer()
    await producer.send({ topic, messages: [7, 8].map((id) => ({ value: { id }, key: 'mine' })) })
  }, topic)

  await main.getByLabel('Key').fill('mine')
  await begin.selectOption('oldest')
  await filter.fill('value.id > 7')
  await filter.press('Enter')
  await expect(status).toHaveText('1 message of 2 that were looked at; that is all.')
  const found = `#/console/messages/${topic}?from=oldest&key=mine&filter=value.id%20%3E%207`
  expect(hash()).toBe(found)
  await begin.selectOption('live')
  await filter.fill('')
  await main.getByRole('button', { name: 'Follow' }).click()
  await expect(status).toContainText(' since ')
  const live = `#/console/messages/${topic}?from=live&key=mine`
  expect(hash()).toBe(live)

  await page.goBack()
  await expect(status).toHaveText('1 message of 2 that were looked at; that is all.')
  await expect(filter).toHaveValue('value.id > 7')
  expect(hash()).toBe(found)
  await page.reload()
  await expect(status).toHaveText('1 message of 2 that were looked at; that is all.')
  await expect(begin).toHaveValue('oldest')
  await expect(main.getByLabel('Key')).toHaveValue('mine')
  expect(hash()).toBe(found)
  await page.goForward()
  await expect(status).toContainText(' since ')
  expect(hash()).toBe(live)

  // Written in another way it is put right, and Back leads to what was there before it.
  await page.evaluate((at) => location.assign(at), found.replace('value', 'valu%65'))
  await expect(status).toHaveText('1 message of 2 that were looked at; that is all.')
  await expect.poll(hash).toBe(found)
  await page.goBack()
  await expect(status).toContainText(' since ')
  await page.goBack()
  await page.goBack()
  await expect(begin).toHaveValue('newest')
  await expect(main.getByRole('grid')).toHaveCount(0)
  expect(hash()).toBe('#/console/messages')
})

test('Back several times at once leads as far as it does slowly', async ({ context }) => {
  const { page } = await DemoPage.open(context)
  const views = page.locator('tabmq-console')
  await page.getByRole('link', { name: 'Console' }).click()
  for (const name of ['Stores', 'Exchanges', 'Health']) {
    await views.getByRole('button', { name }).first().click()
    await expect(views.getByRole('heading', { level: 2 })).toHaveText(name)
  }
  for (let times = 0; times < 5; times++) {
    await page.evaluate(async () => {
      for (let steps = 0; steps < 4; steps++) {
        const gone = new Promise((resolve) =>
          addEventListener('hashchange', resolve, { once: true }),
        )
        history.back()
        await gone
      }
    })
    await expect(page.locator('.lane').first()).toBeVisible()
    await page.evaluate(() => history.go(4))
    await expect(views.getByRole('heading', { level: 2 })).toHaveText('Health')
  }
})

test('addresses that follow each other at once lead to the last of them', async ({ context }) => {
  const { page } = await DemoPage.open(context)
  const main = page.locator('tabmq-console').getByRole('main')
  await page.getByRole('link', { name: 'Console' }).click()
  await page.locator('tabmq-console').getByRole('button', { name: 'Messages' }).first().click()
  const topic = await main.getByLabel('Topic').inputValue()
  const followed = await page.evaluate(async (messages) => {
    const followed: string[] = []
    for (let times = 0; times < 5; times++) {
      for (const at of [`${messages}?from=${times}`, `${messages}?key=user-${times}`]) {
        const changed = new Promise((resolve) =>
          addEventListener('hashchange', resolve, { once: true }),
        )
        location.hash = at
        await changed
      }
      // Long enough for what the first has begun: it is drawn, and read, after the next frame.
      for (let frames = 0; frames < 5; frames++) await new Promise(requestAnimationFrame)
      followed.push(location.hash)
    }
    return followed
  }, `#/console/messages/${topic}`)
  expect(followed).toEqual(
    followed.map((_, times) => `#/console/messages/${topic}?key=user-${times}`),
  )
  await expect(main.getByLabel('Key')).toHaveValue('user-4')
})
