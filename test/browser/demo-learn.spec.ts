/** Each guided scenario, played through as a reader does: only the real state lets it go on. */
import type { BrowserContext, Locator, Page } from '@playwright/test'
import { DemoPage } from './demo-page.js'
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
  /** One press, one tab. */
  async 'More tabs'({ page }) {
    await expectWorking(page, 2)
    await page.locator('.lesson').getByRole('button', { name: 'Open a tab' }).click()
    await expectWorking(page, 3)
  },
}

function expectWorking(page: Page, count: number): Promise<void> {
  return expect(page.locator('#tabs > .tab:has(.chips)')).toHaveCount(count, { timeout: 20_000 })
}

/** What there is to see at the end, besides. */
const AFTERWARDS: Readonly<Record<string, (played: Played) => Promise<void>>> = {
  async crash({ page }) {
    // Now and then a tab crashes right after a commit, and there is nothing to repeat.
    const verdict = page.locator('#verdict')
    if ((await page.locator('#checker').getAttribute('data-verdict')) !== 'explained') return
    await expect(verdict).toHaveText(
      /^Tab 2 crashed before it could commit: its last .* came again/,
    )
    await expect(verdict).toHaveText(/ All else was handled once, in order\.$/)
  },
  async 'poison-message'({ page }) {
    await page.getByRole('link', { name: 'Stage' }).click()
    await expect(page.locator('#job-releases')).toHaveText('5')
    // It was left, so this tab works on no jobs any more.
    await expect(page.getByRole('button', { name: 'Work on jobs in this tab' })).toBeVisible()
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
    test.setTimeout(180_000)
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

/** In the middle, where what came before is not there: one of each kind of need. All are looked at in Node. */
const OPENED_FRESH = ['crash/2', 'two-groups/3', 'static-members/4', 'offline/3']

for (const address of OPENED_FRESH) {
  test(`${address} is finished by who opens it by its address`, async ({ context }) => {
    test.setTimeout(180_000)
    const page = await context.newPage()
    await page.goto(`./#/learn/${address}`)
    await expect(page.locator('.lesson-missing')).toBeVisible()
    await play({ page, context }, Number(address.split('/')[1]))
    await expect(page.locator('.finished')).toHaveCount(1)
    await expect(page.locator('.message-problem')).toHaveCount(0)
  })
}

test('who reads slowly, or reloads in the middle, finishes two groups', async ({ context }) => {
  test.setTimeout(180_000)
  const page = await context.newPage()
  await page.goto('./#/learn/two-groups/1')
  const lesson = page.locator('.lesson')
  await playStep({ page, context })
  await nextOf(lesson).click()
  await lesson.getByRole('button', { name: 'Start the second group' }).click()
  // It is slower, and one sees it: in the lesson, and above the logs.
  const lag = lesson.locator('[data-fact="Lag of auditors"]')
  await expect(page.locator('[data-lag-of=auditors]')).not.toHaveText('0')
  await expect(lesson.locator('[data-fact="Lag of workers"]')).toHaveText('0', {
    timeout: PATIENCE_MS,
  })
  expect(await lag.textContent(), 'behind the first').not.toBe('0')
  await expect(lag).toHaveText('0', { timeout: PATIENCE_MS })
  await expect(page.locator('[data-lag-of=auditors]')).toHaveText('0')
  await nextOf(lesson).click()
  await page.reload()
  await play({ page, context }, 3)
  await expect(page.locator('.finished')).toHaveCount(1)
})

test('a step that was played before is to be played again', async ({ context }) => {
  const page = await context.newPage()
  await page.goto('./#/learn/offline/1')
  const lesson = page.locator('.lesson')
  await playStep({ page, context })
  await nextOf(lesson).click()
  await lesson.getByRole('button', { name: 'Back' }).click()
  await expect(nextOf(lesson), 'who goes back finds it done').toBeEnabled()
  await lesson.getByRole('link', { name: 'all scenarios' }).click()
  // On a busy machine the next address comes before this one is shown, and the lesson is never left.
  await page.locator('.card').first().waitFor()
  await page.goto('./#/learn/offline/1')
  await expect(page.locator('#outbox-sent')).toHaveText('10')
  await expect(page.locator('.lesson-state')).toHaveAttribute('data-begun', '')
  await expect(nextOf(lesson)).toBeDisabled()
  await lesson.getByRole('button', { name: 'Save 10 orders' }).click()
  await expect(nextOf(lesson)).toBeEnabled()
})

test('leaving a lesson puts back what it has set, also after a reload', async ({ context }) => {
  const page = await context.newPage()
  await page.goto('./#/learn/broker-death/1')
  const lesson = page.locator('.lesson')
  await playStep({ page, context })
  await expect(page.locator('#work-ms')).toHaveValue('0')
  await page.reload()
  await expect(page.locator('#work-ms')).toHaveValue('0')
  await playStep({ page, context })
  await page.getByRole('link', { name: 'Stage' }).click()
  await expect(lesson).toHaveCount(0)
  await expect(page.locator('#work-ms')).toHaveValue('2')
  await expect(page.locator('.rate button')).toHaveText('Start')
  await expect(page.locator('#rate-number')).toHaveValue('100')
  const said = page.locator('.message').filter({ hasText: 'As before the lesson' })
  await expect(said).toContainText('the flow has stopped, a message takes 2 ms')
})

test('a lesson keeps what it sets, whatever the one before it has still to stop', async ({
  context,
}) => {
  const page = await context.newPage()
  await page.goto('./#/learn/poison-message/4')
  const lesson = page.locator('.lesson')
  await lesson.getByRole('button', { name: 'Work on jobs' }).click()
  await lesson.getByRole('button', { name: 'Add 20, and one that fails' }).click()
  await expect(page.locator('#job-done')).not.toHaveText('0')
  await lesson.getByRole('link', { name: 'all scenarios' }).click()
  await page.locator('.card').filter({ hasText: 'Lag, and catching up' }).click()
  await lesson.getByRole('button', { name: 'Send too much' }).click()
  await expect(nextOf(lesson), 'the lag grows').toBeEnabled({ timeout: PATIENCE_MS })
  await expect(page.locator('#work-ms')).toHaveValue('5')
  await page.getByRole('link', { name: 'Stage' }).click()
  await expect(page.locator('#work-ms')).toHaveValue('2')
  await expect(page.locator('.rate button')).toHaveText('Start')
})

test('what a tab that was closed in a lesson has set, the next page puts back', async ({
  context,
}) => {
  const page = await context.newPage()
  await page.goto('./#/learn/offline/2')
  await page.locator('.lesson').getByRole('button', { name: 'Cut the line' }).click()
  await expect(page.locator('#outbox-network')).toHaveText('offline')
  const other = await DemoPage.open(context)
  await expect(other.page.locator('#outbox-network'), 'a lesson is under way').toHaveText('offline')
  await page.close()
  await other.page.reload()
  await expect(other.page.locator('#outbox-network')).toHaveText('online')
})

test('an address that leads to no step is put right, and the end leads on', async ({ context }) => {
  const page = await context.newPage()
  await page.goto('./#/learn/order-by-key/99')
  await expect(page.locator('.lesson-of')).toContainText('step 4 of 4')
  await expect(page).toHaveURL(/#\/learn\/order-by-key\/4$/)
  await playStep({ page, context })
  await page.getByRole('button', { name: 'Next: Lag, and catching up' }).click()
  await expect(page).toHaveURL(/#\/learn\/lag\/1$/)
  await expect(page.locator('.lesson-of')).toContainText('Lag, and catching up')
  await page.goto('./#/learn/nothing/3')
  await expect(page.locator('.card')).toHaveCount(SCENARIOS.length)
  await expect(page).toHaveURL(/#\/learn$/)
  await expect(page.locator('.finished')).toHaveCount(1)
})

test('a step brings what it points at into sight, when asked to or by itself', async ({
  context,
}) => {
  const page = await context.newPage()
  await page.goto('./#/learn/broker-death/1')
  const lesson = page.locator('.lesson')
  const panel = page.locator('.broker-panel')
  await expect(panel).toHaveAttribute('data-pointed-at', '')
  await expect(panel, 'who comes by the address reads from the top').not.toBeInViewport()
  await lesson.getByRole('button', { name: 'Broker', exact: true }).click()
  await expect(panel).toBeInViewport({ ratio: 1 })
  await expect(panel).toBeFocused()
  await page.evaluate(() => scrollTo(0, 0))
  await playStep({ page, context })
  await nextOf(lesson).click()
  await expect(panel, 'the next step begins').toBeInViewport({ ratio: 1 })
  await expect(page.locator('#lesson-title')).toBeFocused()
  await expect(lesson).toBeInViewport()
})

test('on a narrow page one finds back to the lesson', async ({ context }) => {
  const page = await context.newPage()
  await page.setViewportSize({ width: 390, height: 844 })
  await page.goto('./#/learn/offline/1')
  await page.locator('.lesson').getByRole('button', { name: 'Outbox' }).click()
  await expect(page.locator('.outbox-panel')).toBeInViewport()
  await page.getByRole('button', { name: 'Back to the lesson' }).click()
  await expect(page.locator('#lesson-title')).toBeInViewport()
  await expect(page.getByRole('button', { name: 'Back to the lesson' })).toHaveCount(0)
})

test('nothing that has the focus is covered by the lesson', async ({ context }) => {
  const page = await context.newPage()
  await page.setViewportSize({ width: 1280, height: 800 })
  await page.goto('./#/learn/rebalance/2')
  await expect(page.locator('.lane')).toHaveCount(6)
  await expect(page.locator('.lesson-missing')).toBeVisible()
  await page.keyboard.press('Tab')
  const seen: Focused[] = []
  for (let at = await focused(page); !at.isOld; at = await focused(page)) {
    seen.push(at)
    await page.keyboard.press('Tab')
  }
  expect(seen.length).toBeGreaterThan(40)
  expect(seen.filter(({ isCovered }) => isCovered).map(({ name }) => name)).toEqual([])
})

interface Focused {
  readonly name: string
  /** It had the focus before, or nothing has. */
  readonly isOld: boolean
  /** The lesson lies over its middle. */
  readonly isCovered: boolean
}

function focused(page: Page): Promise<Focused> {
  return page.evaluate(() => {
    const element = document.activeElement ?? document.body
    const { x, y, width, height } = element.getBoundingClientRect()
    const at = document.elementFromPoint(x + width / 2, y + height / 2)
    const lesson = document.querySelector('.lesson')
    const isInside = lesson?.contains(element) === true
    const isOld = element === document.body || element.hasAttribute('data-had-focus')
    element.setAttribute('data-had-focus', '')
    const name = `${element.tagName} ${element.id} ${element.textContent.slice(0, 30)}`
    return { name, isOld, isCovered: !isInside && at !== null && lesson?.contains(at) === true }
  })
}

function nextOf(lesson: Locator): Locator {
  return lesson.getByRole('button', { name: /^(Next step|Finish)$/ })
}

/** From this step to the end. */
async function play(played: Played, from = 1): Promise<void> {
  const { page } = played
  const next = nextOf(page.locator('.lesson'))
  for (let step = from; ; step++) {
    await expect(page.locator('.lesson-of')).toContainText(`step ${step} of`)
    await playStep(played)
    const isLast = (await next.textContent()) === 'Finish'
    await next.click()
    if (isLast) return
  }
}

/** Does what the step says: brings about what it lacks, presses its buttons, one after the other. */
async function playStep(played: Played): Promise<void> {
  const { page } = played
  const lesson = page.locator('.lesson')
  const title = (await page.locator('#lesson-title').textContent()) ?? ''
  await test.step(title, async () => {
    const begun = page.locator('.lesson-state[data-begun]')
    const missing = page.locator('.lesson-missing')
    while ((await begun.count()) === 0) {
      await begun.or(missing).first().waitFor()
      if ((await missing.count()) > 0) await bringAbout(missing)
    }
    const actions = await lesson.locator('.lesson-actions > button').all()
    // A step that only shows something is done by itself.
    if (actions.length > 0 || title in BY_HAND) {
      const next = nextOf(lesson)
      await expect(next, 'what is met before anything is done shows nothing').toBeDisabled()
    }
    for (const action of actions) await action.click()
    await BY_HAND[title]?.(played)
    await expect(nextOf(lesson)).toBeEnabled({ timeout: PATIENCE_MS })
  })
}

async function bringAbout(missing: Locator): Promise<void> {
  const text = (await missing.textContent({ timeout: 1_000 }).catch(() => '')) ?? ''
  if (text === '') return
  await missing.getByRole('button').click()
  await expect(missing.filter({ hasText: text })).toHaveCount(0, { timeout: 20_000 })
}
