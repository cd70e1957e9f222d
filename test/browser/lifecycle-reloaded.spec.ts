/**
 * Tabs that are there twice in a row, or twice at once: reloaded, as a dynamic and as a static member,
 * and duplicated, with all that the page keeps in its session storage.
 */
import { expect, test, type Page } from '@playwright/test'
import { expectShared, openTab } from './tabs.js'
import {
  committedOffsets,
  consume,
  createTopic,
  describeGroup,
  eventCount,
  heldBy,
  holdAfter,
  History,
  openTwo,
  PARTITIONS,
  send,
  untilHeld,
} from './workload.js'

const MESSAGES = 240
const STATIC = { groupInstanceId: 'one', sessionTimeoutMs: 30_000 }

test('a reloaded dynamic member leaves and joins: its partitions move there and back', async ({
  context,
}) => {
  const { history, one, other } = await openTwo(context, 'dynamic')
  await consume(one)
  await consume(other)
  await expectShared([one, other], PARTITIONS)
  await holdAfter(one, 20)
  await send(one, MESSAGES)
  await untilHeld(one)
  await reload(one)
  await expectShared([other], PARTITIONS)
  await consume(one)
  await expectShared([one, other], PARTITIONS)
  await send(one, MESSAGES)
  await history.expectComplete(one, 2 * MESSAGES)
  expect(history.again).toBe(0)
})

test('a reloaded static member finds its partitions, and nothing moves', async ({ context }) => {
  const { history, one, other } = await openTwo(context, 'static')
  await consume(one, STATIC)
  await consume(other)
  await expectShared([one, other], PARTITIONS)
  const before = { one: await heldBy(one), other: await heldBy(other) }
  const { groupEpoch } = await describeGroup(other)
  const assignedBefore = await eventCount(other, 'partitionsAssigned')
  await holdAfter(one, 20)
  await send(one, MESSAGES)
  await untilHeld(one)
  await reload(one)
  expect(await heldBy(other)).toEqual(before.other)
  await consume(one, STATIC)
  await history.expectComplete(one, MESSAGES)
  expect(await heldBy(one)).toEqual(before.one)
  expect(await heldBy(other)).toEqual(before.other)
  expect(await eventCount(other, 'partitionsAssigned')).toBe(assignedBefore)
  expect(await describeGroup(other)).toMatchObject({ groupEpoch })
  expect(history.again).toBe(0)
})

test('a static member that stays away for longer than its session loses its partitions', async ({
  context,
  baseURL,
}) => {
  const { history, one, other } = await openTwo(context, 'away')
  const member = { ...STATIC, sessionTimeoutMs: 1_000 }
  await consume(one, member)
  await consume(other)
  await expectShared([one, other], PARTITIONS)
  await holdAfter(one, 20)
  await send(one, MESSAGES)
  await untilHeld(one)
  await one.goto(`${baseURL}/test/browser/pages/empty.html`)
  await expectShared([other], PARTITIONS)
  await history.expectComplete(other, MESSAGES)
  await one.goBack()
  await one.waitForFunction(() => 'tab' in globalThis)
  await consume(one, member)
  await expectShared([one, other], PARTITIONS)
  expect(history.again).toBe(0)
})

for (const groupInstanceId of [undefined, 'one']) {
  const which = groupInstanceId === undefined ? 'dynamic' : 'static'
  test(`the only tab reloaded, as a ${which} member: the next broker knows all of it`, async ({
    context,
  }) => {
    const history = new History()
    const one = await openTab(context, `only-${which}`)
    await history.follow(one, 'one')
    await createTopic(one)
    const before = await one.evaluate(() => tab.admin.describeCluster())
    await consume(one, groupInstanceId === undefined ? {} : { groupInstanceId })
    await holdAfter(one, 20)
    await send(one, MESSAGES)
    await untilHeld(one)
    await reload(one)
    await consume(one, groupInstanceId === undefined ? {} : { groupInstanceId })
    await history.expectComplete(one, MESSAGES)
    const after = await one.evaluate(() => tab.admin.describeCluster())
    expect(after.brokerEpoch).toBe(before.brokerEpoch + 1)
    expect(await heldBy(one)).toHaveLength(PARTITIONS)
    expect(history.again).toBe(0)
  })
}

test('a duplicated tab is a tab of its own, though it has the same session storage', async ({
  context,
}) => {
  const { history, one, other } = await openTwo(context, 'duplicated')
  await other.close()
  await consume(one)
  await send(one, MESSAGES)
  const copy = await duplicate(one)
  await history.follow(copy, 'copy')
  await consume(copy)
  await expectShared([one, copy], PARTITIONS)
  const { sessions } = await copy.evaluate(() => tab.admin.describeCluster())
  expect(sessions).toHaveLength(2)
  await send(copy, MESSAGES)
  await history.expectComplete(one, 2 * MESSAGES)
  expect(history.again).toBe(0)
})

test('a duplicated tab with the same instance id takes over, and the first is told', async ({
  context,
}) => {
  const { history, one, other } = await openTwo(context, 'same-instance')
  await other.close()
  await consume(one, STATIC)
  await holdAfter(one, 20)
  await send(one, MESSAGES)
  await untilHeld(one)
  const uncommitted = history.uncommitted(await committedOffsets(one))

  const copy = await duplicate(one)
  await history.follow(copy, 'copy')
  await consume(copy, STATIC)
  expect(await heldBy(copy)).toHaveLength(PARTITIONS)
  await expect.poll(() => eventCount(one, 'stop')).toBe(1)
  const crashes = await one.evaluate(() => tab.events.filter(({ type }) => type === 'crash'))
  expect(crashes).toHaveLength(1)
  expect(JSON.stringify(crashes)).toContain('another')
  expect(await heldBy(one)).toEqual([])
  await history.expectComplete(copy, MESSAGES)
  expect(history.again).toBeLessThanOrEqual(uncommitted)

  const committed = await committedOffsets(copy)
  await one.evaluate(() => tab.letGo())
  await expect.poll(() => one.evaluate(() => tab.waiting())).toBe(0)
  expect(await committedOffsets(copy)).toEqual(committed)
})

async function reload(page: Page): Promise<void> {
  await page.reload()
  await page.waitForFunction(() => 'tab' in globalThis)
}

/** What "Duplicate tab" does: another tab at the same address, with a copy of the session storage. */
async function duplicate(page: Page): Promise<Page> {
  const opened = page.context().waitForEvent('page')
  await page.evaluate(() => {
    sessionStorage.setItem('kept', 'here')
    open(location.href)
  })
  const copy = await opened
  await copy.waitForFunction(() => 'tab' in globalThis)
  expect(await copy.evaluate(() => sessionStorage.getItem('kept'))).toBe('here')
  return copy
}
