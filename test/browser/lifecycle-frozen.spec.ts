/**
 * Tabs that a user does not look at: hidden, their timers slowed down to one a minute; frozen, so that
 * nothing in them runs at all; and all of it asleep with the computer. Only a tab that is silent for
 * longer than its session timeout loses its partitions, and it gets to know.
 */
import { expect, test, type Page } from '@playwright/test'
import { SpawnedBrowser } from './spawned-browser.js'
import { expectShared } from './tabs.js'
import {
  committedOffsets,
  consume,
  createTopic,
  describeGroup,
  eventCount,
  heldBy,
  holdAfter,
  History,
  lagOf,
  PARTITIONS,
  send,
  TOPIC,
  untilHeld,
} from './workload.js'

/** After a second in the background; a user's browser waits for longer. */
const TIMERS_ONCE_A_MINUTE = '--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/1'

let browser: SpawnedBrowser
test.beforeAll(async ({ baseURL }) => {
  browser = await SpawnedBrowser.start(baseURL ?? '', [TIMERS_ONCE_A_MINUTE])
})
test.afterAll(() => browser.close())

interface Scene {
  readonly history: History
  /** In front, with the tab that is hidden, frozen and so on behind it. */
  readonly front: Page
  readonly behind: Page
}

test('a tab hidden for long, its timers next to still, stays a member and goes on', async () => {
  const sessionTimeoutMs = 2_000
  await onStage('hidden', async ({ history, front, behind }) => {
    await share({ front, behind, sessionTimeoutMs })
    const before = await describeGroup(front)
    await behind.evaluate(() => {
      const chain = () => {
        Object.assign(globalThis, { lastTickMs: Date.now() })
        setTimeout(chain, 50)
      }
      chain()
    })
    await browser.hide(behind, front)
    let sent = 0
    const silentForMs = async () => {
      await send(front, 24)
      sent += 24
      return behind.evaluate(() => Date.now() - Number(Reflect.get(globalThis, 'lastTickMs')))
    }
    await expect
      .poll(silentForMs, { timeout: 40_000, intervals: [500] })
      .toBeGreaterThan(2 * sessionTimeoutMs)
    await history.expectComplete(front, sent)
    expect(await describeGroup(front)).toMatchObject({ groupEpoch: before.groupEpoch })
    expect(await eventCount(behind, 'partitionsLost')).toBe(0)
    expect(history.handledBy('behind')).toBeGreaterThan(0)
    expect(history.again).toBe(0)
  })
})

test('a tab frozen for longer than its session loses its partitions, is told, and joins again', async () => {
  await onStage('long-frozen', async ({ history, front, behind }) => {
    await share({ front, behind, sessionTimeoutMs: 1_500 })
    const moving = await heldBy(behind)
    await holdAfter(behind, 0)
    await send(front, 240)
    await untilHeld(behind)
    const own = await heldBy(front)
    await expect.poll(() => lagOf(front, own)).toBe(0)
    await handleAndCommitOnResume(behind, moving)
    await browser.hide(behind, front)
    await browser.freeze(behind)

    await expectShared([front], PARTITIONS)
    await send(front, 60)
    await history.expectComplete(front, 300)
    const committed = await committedOffsets(front)
    expect(history.again).toBe(0)

    await browser.resume(behind)
    await expect
      .poll(() => behind.evaluate((): unknown => Reflect.get(globalThis, 'lateCommit')))
      .toMatchObject({ code: expect.stringMatching(/FENCED_MEMBER_EPOCH|UNKNOWN_MEMBER_ID/) })
    await expect.poll(() => eventCount(behind, 'partitionsLost')).toBe(1)
    await expectShared([front, behind], PARTITIONS)
    expect(await committedOffsets(front)).toEqual(committed)

    await send(front, 60)
    await history.expectComplete(front, 360)
    // The one that it had begun when it was frozen, and ended when it was not its own any more.
    expect(history.again).toBe(1)
  })
})

test('a tab frozen for less than its session keeps its partitions', async () => {
  // It is asked for a heartbeat after two seconds.
  const sessionTimeoutMs = 6_000
  await onStage('frozen', async ({ history, front, behind }) => {
    await share({ front, behind, sessionTimeoutMs })
    const before = await describeGroup(front)
    const own = await heldBy(front)
    await browser.hide(behind, front)
    await browser.freeze(behind)
    await send(front, 120)
    await expect.poll(() => lagOf(front, own)).toBe(0)
    await passMs(2_500)
    expect(await lagOf(front)).toBeGreaterThan(0)
    await browser.resume(behind)
    await history.expectComplete(front, 120)
    expect(await heldBy(front)).toEqual(own)
    expect(await describeGroup(front)).toMatchObject({ groupEpoch: before.groupEpoch })
    expect(await eventCount(behind, 'partitionsLost')).toBe(0)
    expect(history.again).toBe(0)
  })
})

test('a computer that slept for longer than a session finds everything as it was', async () => {
  const sessionTimeoutMs = 2_000
  await onStage('asleep', async ({ history, front, behind }) => {
    await share({ front, behind, sessionTimeoutMs })
    const before = await describeGroup(front)
    await send(front, 240)
    browser.sleep()
    await passMs(2 * sessionTimeoutMs)
    browser.wake()
    await send(front, 60)
    await history.expectComplete(front, 300)
    await expectShared([front, behind], PARTITIONS)
    expect(await describeGroup(front)).toMatchObject({ groupEpoch: before.groupEpoch })
    expect(await eventCount(front, 'partitionsLost')).toBe(0)
    expect(await eventCount(behind, 'partitionsLost')).toBe(0)
    expect(history.again).toBe(0)
  })
})

async function onStage(broker: string, play: (scene: Scene) => Promise<void>): Promise<void> {
  const history = new History()
  const behind = await browser.openTab(broker)
  const front = await browser.openTab(broker)
  await history.follow(behind, 'behind')
  await history.follow(front, 'front')
  await createTopic(front)
  await play({ history, front, behind })
  for (const page of [behind, front]) await page.close()
}

async function share(options: {
  front: Page
  behind: Page
  sessionTimeoutMs: number
}): Promise<void> {
  const { front, behind, sessionTimeoutMs } = options
  for (const page of [behind, front]) await consume(page, { sessionTimeoutMs })
  await expectShared([front, behind], PARTITIONS)
}

/**
 * In the moment in which it runs again, before it can have heard of anything: the handler ends, and
 * what it handled is committed by hand, too.
 */
async function handleAndCommitOnResume(page: Page, partitions: readonly number[]): Promise<void> {
  await page.evaluate(
    ({ topic, held }) => {
      const offsets = held.map((partition) => ({ topic, partition, offset: 1 }))
      const onResume = async () => {
        tab.letGo()
        Object.assign(globalThis, { lateCommit: await tab.errorOf(() => tab.commit(offsets)) })
      }
      document.addEventListener('resume', () => void onResume(), { once: true })
    },
    { topic: TOPIC, held: partitions },
  )
}

/** The state waited for is the time itself: how long the other is silent is what the test is about. */
async function passMs(durationMs: number): Promise<void> {
  const startMs = Date.now()
  await expect.poll(() => Date.now() - startMs, { timeout: 30_000 }).toBeGreaterThan(durationMs)
}
