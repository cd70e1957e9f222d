/** The console's views, of a broker with something of everything in it. */
import { test, type Page } from '@playwright/test'
import { fillBroker } from '../browser/console-page.js'
import { shoot } from './shots.js'

const BROKER = 'shop'
const PAGE = `/test/browser/pages/console.html?broker=${BROKER}`

/** A view as it opens. */
function list(view: string, text: string) {
  return {
    name: view,
    path: `${PAGE}&view=${view}`,
    prepare: async (page: Page) => {
      await page.getByRole('main').getByText(text).first().waitFor()
    },
  }
}

/** One of a list, and what else. */
function one(
  name: string,
  [view, item]: readonly [string, string],
  prepare: (page: Page) => Promise<void>,
) {
  return {
    name,
    path: `${PAGE}&view=${view}`,
    prepare: async (page: Page) => {
      await page.getByRole('main').getByRole('button', { name: item, exact: true }).click()
      await page.getByRole('heading', { name: item }).waitFor()
      await prepare(page)
    },
  }
}

function topicPage(name: string, prepare: (page: Page) => Promise<void>) {
  return one(name, ['topics', 'orders'], prepare)
}

shoot(
  test,
  'console',
  [
    list('topics', 'orders'),
    topicPage('topic', (page) => page.getByText('Groups that read it').first().waitFor()),
    topicPage('delete-topic', async (page) => {
      await page.getByRole('button', { name: 'Delete topic' }).click()
      await page.getByRole('dialog').waitFor()
    }),
    {
      name: 'create-topic',
      path: PAGE,
      prepare: async (page) => {
        await page.getByRole('button', { name: 'New topic' }).click()
        await page.getByRole('dialog').waitFor()
      },
    },
    topicPage('messages', async (page) => {
      await page.getByRole('button', { name: 'Browse messages' }).click()
      await page.getByRole('grid').waitFor()
    }),
    topicPage('message', async (page) => {
      await page.getByRole('button', { name: 'Browse messages' }).click()
      await page.getByLabel('Filter').fill('value.total > 450 and headers.source = "web"')
      await page.getByRole('button', { name: 'Read' }).click()
      await page.getByRole('row').nth(3).click()
      await page.getByRole('region', { name: 'Value' }).waitFor()
    }),
    topicPage('malformed-filter', async (page) => {
      await page.getByRole('button', { name: 'Browse messages' }).click()
      await page.getByLabel('Filter').fill('value.total > 450 and header.source = "web"')
      await page.getByRole('button', { name: 'Read' }).click()
      await page.getByText('At character').waitFor()
    }),
    topicPage('produce', async (page) => {
      await page.getByRole('button', { name: 'Browse messages' }).click()
      await page.getByRole('button', { name: 'Send a message' }).click()
      await page.getByRole('dialog').waitFor()
    }),
    list('groups', 'billing'),
    one('group', ['groups', 'reports'], async () => {}),
    one('reset-offsets', ['groups', 'nightly'], async (page) => {
      await page.getByRole('button', { name: 'Reset offsets' }).click()
      await page.getByRole('dialog').waitFor()
    }),
    list('share-groups', 'uploads'),
    one('share-group', ['share-groups', 'uploads'], async () => {}),
    list('exchanges', 'events'),
    one('exchange', ['exchanges', 'events'], async () => {}),
    list('stores', 'balances'),
    one('store', ['stores', 'balances'], (page) => page.getByText('Zürich').first().waitFor()),
    {
      name: 'health',
      path: `${PAGE}&view=health`,
      prepare: (page) => page.getByRole('heading', { name: 'Limits' }).waitFor(),
      heightOfWide: 1_500,
    },
    {
      name: 'empty',
      path: '/test/browser/pages/console.html?broker=empty',
      prepare: (page) => page.getByText('This broker has no topics').waitFor(),
    },
  ],
  (context) => fillBroker(context, BROKER),
)
