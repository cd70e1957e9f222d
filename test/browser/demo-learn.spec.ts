/** Each guided scenario, played through as a reader does: only the real state lets it go on. */
import type { BrowserContext, Page } from '@playwright/test'
import { expect, test } from './demo-site.js'
import { crash } from './tabs.js'

const PATIENCE_MS = 45_000

interface Played {
  readonly page: Page
  readonly context: BrowserContext
}

/** What a reader does by hand, in steps by their titles. */
const BY_HAND: Readonly<Record<string, (played: Played) => Promise<void>>> = {
  async 'One of them crashes'({ page, context }) {
    const other = context.pages().find((one) => one !== page)
    if (other !== undefined) await crash(other)
  },
  async 'Look into one'({ page }) {
    await page.locator('.lane-strip:not([aria-valuetext=empty])').first().focus()
    await page.keyboard.press('End')
  },
}

/** What there is to see at the end, besides. */
const AFTERWARDS: Readonly<Record<string, (played: Played) => Promise<void>>> = {
  async crash({ page }) {
    // Now and then a tab crashes right after a commit, and there is nothing to repeat.
    const verdict = page.locator('#verdict')
    if ((await page.locator('#checker').getAttribute('data-verdict')) !== 'repeated') return
    await expect(verdict).toHaveText(
      /^Tab 2 crashed before it could commit: its last .* came again/,
    )
    await expect(verdict).toHaveText(/ All else was handled once, in order\.$/)
  },
  async 'poison-message'({ page }) {
    await page.getByRole('link', { name: 'Stage' }).click()
    await expect(page.locator('#job-releases')).toHaveText('5')
    await page.getByRole('button', { name: 'Stop working on jobs' }).click()
    await page.getByRole('button', { name: 'Send the dead letters back' }).click()
    await expect(page.locator('#messages')).toContainText('1 dead letter sent back')
    await expect(page.locator('#job-dead')).toHaveText('0')
    await expect(page.locator('#job-waiting')).toHaveText('1')
    await page.goto('./#/learn')
  },
}

const SCENARIOS = [
  'rebalance',
  'order-by-key',
  'lag',
  'crash',
  'broker-death',
  'two-groups',
  'poison-message',
  'static-members',
  'offline',
]

for (const scenario of SCENARIOS) {
  test(`the scenario ${scenario} runs through`, async ({ context }) => {
    test.setTimeout(150_000)
    const page = await context.newPage()
    const failures: string[] = []
    page.on('pageerror', (error) => failures.push(error.message))
    await page.goto(`./#/learn/${scenario}`)
    await play({ page, context })
    await expect(page.locator('.finished')).toHaveCount(1)
    await AFTERWARDS[scenario]?.({ page, context })
    await expect(page.locator('#checker')).not.toHaveAttribute('data-verdict', 'red')
    await expect(page.locator('.message-problem')).toHaveCount(0)
    expect(failures).toEqual([])
  })
}

async function play(played: Played): Promise<void> {
  const { page } = played
  const lesson = page.locator('.lesson')
  const title = page.locator('#lesson-title')
  const next = lesson.getByRole('button', { name: /Next step|Finish/ })
  for (let step = 1; ; step++) {
    await expect(page.locator('.lesson-of')).toContainText(`step ${step} of`)
    const shown = (await title.textContent()) ?? ''
    await test.step(shown, async () => {
      const actions = lesson.locator('.buttons:not(.lesson-nav) > button')
      // What is met before anything is done shows nothing.
      if ((await actions.count()) > 0 && step === 1) await expect(next).toBeDisabled()
      for (const action of await actions.all()) await action.click()
      await BY_HAND[shown]?.(played)
      await expect(next).toBeEnabled({ timeout: PATIENCE_MS })
    })
    const isLast = (await next.textContent()) === 'Finish'
    await next.click()
    if (isLast) return
  }
}
