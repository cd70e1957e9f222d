/**
 * The package in an app of its own, under the strictest policy that the README says is enough: built by Vite
 * as it comes, and without a bundler.
 */
import { expect, test, type Page } from '@playwright/test'
import type { Tabmq } from '../../src/index.js'
import { PackedApp } from './packed.js'

declare global {
  /** What the app leaves there. */
  var mq: Tabmq
}

const POLICY = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; connect-src 'self'",
}
const STYLE = 'tabmq-console { height: 30rem } * { color: red !important }'

let app: PackedApp

test.beforeAll(async () => {
  app = await PackedApp.create({
    'style.css': STYLE,
    'index.html': `<!doctype html><title>shop</title><link rel="stylesheet" href="/style.css">
<script type="module" src="/app.js"></script><tabmq-console broker="shop"></tabmq-console>`,
    'app.js': `import { Tabmq } from 'tabmq'
import 'tabmq/console'
globalThis.mq = new Tabmq({ name: 'shop' })`,
    'plain.html': `<!doctype html><title>shop</title>
<script type="module" src="/node_modules/tabmq/dist/src/console/index.js"></script>
<tabmq-console broker="plain"></tabmq-console>`,
  })
})

test.afterAll(() => app.close())

test('an app built by Vite has the broker and its console, and both have one worker', async ({
  page,
}) => {
  const complaints = complaintsOf(page)
  await page.goto(await app.serveBuilt(POLICY))
  const sent = await page.evaluate(async () => {
    await mq.admin().createTopics({ topics: [{ topic: 'orders', numPartitions: 3 }] })
    return mq.producer().send({ topic: 'orders', messages: [{ key: 'k', value: { total: 1 } }] })
  })
  expect(sent).toMatchObject([{ topic: 'orders', baseOffset: 0 }])
  await page.getByRole('button', { name: 'orders' }).click()
  await page.getByRole('button', { name: 'Browse messages' }).click()
  await expect(page.getByRole('grid')).toContainText('{"total":1}')
  const { incarnation, sessions } = await page.evaluate(() => mq.admin().describeCluster())
  expect(sessions).toHaveLength(2)
  await page.getByRole('button', { name: 'Health' }).click()
  await expect(page.getByRole('main')).toContainText(incarnation)
  const colour = await page.getByRole('main').evaluate((element) => getComputedStyle(element).color)
  expect(colour).not.toBe('rgb(255, 0, 0)')
  expect(complaints).toEqual([])
})

test('a page without a bundler has the console from a script tag', async ({ page }) => {
  const complaints = complaintsOf(page)
  await page.goto(`${await app.serveSources(POLICY)}plain.html`)
  await page.getByRole('button', { name: 'New topic' }).click()
  await page.getByRole('dialog').getByLabel('Name').fill('orders')
  await page.getByRole('dialog').getByRole('button', { name: 'Make topic' }).click()
  await expect(page.getByRole('heading', { name: 'orders' })).toBeVisible()
  expect(complaints).toEqual([])
})

/** What the browser's console says of a page: all that a policy forbids, and every error. */
function complaintsOf(page: Page): string[] {
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  return complaints
}
