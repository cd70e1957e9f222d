/**
 * Pages in the back/forward cache: they stand still and come back as they were, or are put out of it
 * and loaded anew. Whoever goes there leaves; a static member is awaited for its session.
 */
import { expect, test, type Page } from '@playwright/test'
import { UserBrowser } from './browser-driver.js'
import { expectShared } from './tabs.js'
import {
  committedOffsets,
  consume,
  createTopic,
  describeGroup,
  eventCount,
  heldBy,
  History,
  holdAfter,
  PARTITIONS,
  send,
  untilHeld,
  type MemberOptions,
} from './workload.js'

const MESSAGES = 240

let address: string
let browser: UserBrowser
test.beforeAll(async ({ baseURL }) => {
  address = baseURL ?? ''
  browser = new UserBrowser(address)
  await browser.start()
})
test.afterAll(() => browser.close())

interface Scene {
  readonly history: History
  readonly stays: Page
  readonly leaves: Page
}

for (const [which, member] of [
  ['a dynamic member', { sessionTimeoutMs: 1_000 }],
  ['a static member away for longer than its session', staticMember(1_000)],
] as const) {
  test(`${which} leaves for the cache, and takes its share when it returns`, async () => {
    await onStage(which.replaceAll(' ', '-'), member, async ({ history, stays, leaves }) => {
      await holdAfter(leaves, 20)
      await send(stays, MESSAGES)
      await untilHeld(leaves)
      await leave(leaves)
      await expectShared([stays], PARTITIONS)
      await history.expectComplete(stays, MESSAGES)
      expect(history.again).toBe(0)
      const committed = await committedOffsets(stays)

      await comeBack(leaves)
      expect(await isTheSame(leaves)).toBe(true)
      // It ends now what it had begun, and what another has done meanwhile.
      await leaves.evaluate(() => tab.letGo())
      await expect.poll(() => history.again).toBe(1)
      await expectShared([stays, leaves], PARTITIONS)
      expect(await committedOffsets(stays)).toEqual(committed)
      await send(stays, MESSAGES)
      await history.expectComplete(stays, 2 * MESSAGES)
      expect(history.again).toBe(1)
    })
  })
}

test('a static member back from the cache within its session finds its partitions', async () => {
  await onStage('static', staticMember(30_000), async ({ history, stays, leaves }) => {
    const before = { stays: await heldBy(stays), leaves: await heldBy(leaves) }
    const { groupEpoch } = await describeGroup(stays)
    const assignedBefore = await eventCount(stays, 'partitionsAssigned')
    await holdAfter(leaves, 20)
    await send(stays, MESSAGES)
    await untilHeld(leaves)
    await leave(leaves)
    const isAway = async () =>
      (await describeGroup(stays)).members.some(({ sessionId }) => sessionId === undefined)
    await expect.poll(isAway).toBe(true)
    await comeBack(leaves)
    expect(await isTheSame(leaves)).toBe(true)
    await leaves.evaluate(() => tab.letGo())
    await history.expectComplete(stays, MESSAGES)
    expect(await heldBy(leaves)).toEqual(before.leaves)
    expect(await heldBy(stays)).toEqual(before.stays)
    expect(await describeGroup(stays)).toMatchObject({ groupEpoch })
    expect(await eventCount(stays, 'partitionsAssigned')).toBe(assignedBefore)
    expect(history.again).toBe(0)
  })
})

test('a page that is put out of the cache is loaded anew, and holds nothing', async () => {
  await onStage('evicted', {}, async ({ history, stays, leaves }) => {
    await holdAfter(leaves, 20)
    await send(stays, MESSAGES)
    await untilHeld(leaves)
    await leaves.evaluate(() => {
      Object.assign(globalThis, { channel: new BroadcastChannel('to-all') })
    })
    await leave(leaves)
    await expectShared([stays], PARTITIONS)
    // A page that is sent something cannot stay in the cache.
    await stays.evaluate(() => new BroadcastChannel('to-all').postMessage('wake'))
    await comeBack(leaves)
    await leaves.waitForFunction(() => 'tab' in globalThis)
    expect(await isTheSame(leaves)).toBe(false)
    await history.expectComplete(stays, MESSAGES)
    expect(await heldBy(stays)).toHaveLength(PARTITIONS)
    await consume(leaves)
    await expectShared([stays, leaves], PARTITIONS)
    await send(leaves, MESSAGES)
    await history.expectComplete(stays, 2 * MESSAGES)
    expect(history.again).toBe(0)
  })
})

function staticMember(sessionTimeoutMs: number): MemberOptions {
  return { groupInstanceId: 'leaves', sessionTimeoutMs }
}

async function onStage(
  broker: string,
  member: MemberOptions,
  play: (scene: Scene) => Promise<void>,
): Promise<void> {
  const history = new History()
  const stays = await browser.openTab(broker)
  const leaves = await browser.openTab(broker)
  await history.follow(stays, 'stays')
  await history.follow(leaves, 'leaves')
  await createTopic(stays)
  await consume(stays)
  await consume(leaves, member)
  await expectShared([stays, leaves], PARTITIONS)
  await play({ history, stays, leaves })
  for (const page of [stays, leaves]) await page.close()
}

/**
 * Leaves for another page of the same process, and has its garbage collected: what the page in the cache
 * would run for that (a FinalizationRegistry's callback) would put it out of there.
 */
async function leave(page: Page): Promise<void> {
  await page.evaluate(() => {
    Object.assign(globalThis, { wasHere: true })
  })
  await page.goto(`${address}/test/browser/pages/empty.html`)
  const devTools = await page.context().newCDPSession(page)
  await devTools.send('HeapProfiler.collectGarbage')
  await devTools.detach()
}

/** Playwright's own goBack waits for a load event, which a page from the cache does not have. */
async function comeBack(page: Page): Promise<void> {
  await page.evaluate(() => history.back())
  await page.waitForURL(/client\.html/, { waitUntil: 'commit' })
}

function isTheSame(page: Page): Promise<boolean> {
  return page.evaluate(() => 'wasHere' in globalThis)
}
