/** The demo's views, with two tabs at work. */
import type { BrowserContext, Page } from '@playwright/test'
import { DemoPage } from '../browser/demo-page.js'
import { test } from '../browser/demo-site.js'
import { shoot } from './shots.js'

/** Another tab that works, and sends. */
async function seed(context: BrowserContext): Promise<void> {
  const tab = await DemoPage.open(context)
  await tab.setWorkMs(1)
  await tab.click('Load the sample')
  await tab.expectHandledOver(1_000)
  await tab.page.getByLabel('Messages a second, as a number').fill('300')
  await tab.click('Start')
}

async function ready(page: Page): Promise<void> {
  const tab = new DemoPage(page)
  await tab.expectReady()
  await page.locator('.lane[data-owner="Tab 2"]').first().waitFor()
  await page.locator('.tab[data-tab="2"]').getByText('Heartbeat').waitFor()
}

shoot(
  test,
  'demo',
  [
    {
      name: 'stage',
      path: './#/stage',
      heightOfWide: 1_900,
      prepare: async (page) => {
        await ready(page)
        await page.locator('.lane-strip').nth(2).focus()
        await page.keyboard.press('End')
        await page.locator('#record').getByText('topic-id').waitFor()
        await page.evaluate(() => scrollTo(0, 0))
      },
    },
    {
      name: 'controls',
      path: './#/stage',
      heightOfWide: 1_000,
      prepare: async (page) => {
        await ready(page)
        await page.getByRole('heading', { name: 'Group and topic' }).scrollIntoViewIfNeeded()
      },
    },
    {
      name: 'fault',
      path: './#/stage',
      prepare: async (page) => {
        await ready(page)
        await page.getByRole('button', { name: 'Skip one message' }).click()
        await page.locator('[data-verdict=red]').waitFor()
        await page.evaluate(() => scrollTo(0, 0))
      },
    },
    {
      name: 'learn',
      path: './#/learn',
      prepare: (page) => page.locator('.card').first().waitFor(),
    },
    {
      name: 'lesson',
      path: './#/learn/rebalance/2',
      prepare: async (page) => {
        await ready(page)
        await page.locator('.lesson-state[data-begun]').waitFor()
      },
    },
    {
      name: 'console',
      path: './#/console/groups',
      prepare: (page) => page.locator('tabmq-console').getByText('workers').first().waitFor(),
    },
  ],
  seed,
)
