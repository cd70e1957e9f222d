/** Where a partition is taken up again that its consumer has lost with the broker. */
import { describe, expect, test } from 'vitest'
import { OwnedPartition } from '../../src/client/consumer/owned-partition.js'
import type { PartitionId, TopicName } from '../../src/protocol/names.js'

function owned(before?: OwnedPartition): OwnedPartition {
  const partition = new OwnedPartition({
    partitionId: 1 as PartitionId,
    topic: 'orders' as TopicName,
    partition: 0,
  })
  if (before !== undefined) partition.follow(before)
  return partition
}

function startedAt(offset: number, before?: OwnedPartition): OwnedPartition {
  const partition = owned(before)
  partition.startAt(offset)
  return partition
}

/** Where the next ownership starts when the group has committed that. */
function resumed(before: OwnedPartition, committed: number): number | undefined {
  return startedAt(committed, before).position
}

describe('a partition that was lost with the broker', () => {
  test.each([
    { committed: 10, position: 15, why: 'nothing of it was committed' },
    { committed: 12, position: 15, why: 'part of it was, without an answer' },
    { committed: 15, position: 15, why: 'all of it was' },
    { committed: 18, position: 18, why: 'somebody else got further' },
    { committed: 4, position: 4, why: 'somebody went back' },
  ])('committed is $committed, so it goes on at $position: $why', ({ committed, position }) => {
    const before = startedAt(10)
    before.handled(before.version, 15)
    expect(resumed(before, committed)).toBe(position)
  })

  test('what lies before the offset to which it was reset, somebody else may have in work', () => {
    const before = startedAt(13)
    before.resetTo(40)
    before.handled(before.version, 42)
    expect(resumed(before, 37)).toBe(37)
    expect([13, 40, 41].map((committed) => resumed(before, committed))).toEqual([42, 42, 42])
    const between = startedAt(13, before)
    expect(resumed(between, 37)).toBe(37)
    expect([13, 40, 41].map((committed) => resumed(between, committed))).toEqual([42, 42, 42])
  })

  test('an ownership between that did not come to start passes on what it knows', () => {
    const before = startedAt(10)
    before.handled(before.version, 15)
    expect(resumed(owned(before), 10)).toBe(15)
  })
})
