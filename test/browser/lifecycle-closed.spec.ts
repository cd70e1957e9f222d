/** Tabs that end in the middle of their work: closed, which they hear of, and crashed. */
import { expect, test } from '@playwright/test'
import { crash, expectShared } from './tabs.js'
import {
  committedOffsets,
  consume,
  heldBy,
  holdAfter,
  lagOf,
  openTwo,
  PARTITIONS,
  send,
  untilHeld,
} from './workload.js'

const MESSAGES = 240

test('a closed tab commits what it handled, and others go on behind it', async ({ context }) => {
  const { history, one, other } = await openTwo(context, 'closed')
  await consume(one)
  await consume(other)
  await expectShared([one, other], PARTITIONS)
  await holdAfter(one, 20)
  await send(one, MESSAGES)
  await untilHeld(one)
  await one.close()
  await expectShared([other], PARTITIONS)
  await history.expectComplete(other, MESSAGES)
  expect(history.again).toBe(0)
})

test('the last connected tab commits what it handled when it is closed', async ({ context }) => {
  const { history, one, other } = await openTwo(context, 'last')
  await holdAfter(one, 20)
  await send(one, MESSAGES)
  await consume(one)
  // With this tab the worker goes too, in the middle of what it is writing.
  await untilHeld(one)
  await one.close()
  await consume(other)
  await expectShared([other], PARTITIONS)
  await history.expectComplete(other, MESSAGES)
  expect(history.again).toBe(0)
})

test('a crashed tab’s partitions move, and what it had not committed comes again', async ({
  context,
}) => {
  const { history, one, other } = await openTwo(context, 'crashed')
  await consume(one)
  await consume(other)
  await expectShared([one, other], PARTITIONS)
  const others = await heldBy(other)
  await holdAfter(one, 20)
  await send(other, MESSAGES)
  await untilHeld(one)
  await expect.poll(() => lagOf(other, others)).toBe(0)
  const uncommitted = history.uncommitted(await committedOffsets(other))
  await crash(one)
  await expectShared([other], PARTITIONS)
  await history.expectComplete(other, MESSAGES)
  expect(history.again).toBeLessThanOrEqual(uncommitted)
})
