import { describe, expect, it } from 'vitest'
import type { DeadLetter } from '../../../src/broker/share/share-coordinator.js'
import type { TopicName } from '../../../src/protocol/names.js'
import { ShareContext, type ShareMemberFields } from './share-context.js'

const DEAD = { options: { deadLetterTopic: 'dead' as TopicName, deliveryCountLimit: 2 } }

function begin(fields: ShareMemberFields = DEAD, limits = {}) {
  const context = new ShareContext(limits)
  const log = context.createLog('orders')
  return { context, log, a: context.join('a', fields) }
}

const offsets = (letters: readonly DeadLetter[]) => letters.map(({ offset }) => offset)

describe('a dead letter', () => {
  it('comes of a rejection, and says what happened', () => {
    const { context, log, a } = begin()
    context.send(log, { records: 3 })
    a.take()
    const sentMs = context.nowMs
    a.settle('release', [1, 1])
    context.advance(10)
    a.take()
    a.settle('reject', [1, 1], { deliveryCount: 2, reason: 'no such customer' })
    expect(context.shares.takeDeadLetters()).toEqual([
      {
        groupId: 'jobs',
        partitionId: log.partitionId,
        offset: 1,
        deliveryCount: 2,
        firstDeliveredAtMs: sentMs,
        lastDeliveredAtMs: sentMs + 10,
        cause: 'rejected',
        reason: 'no such customer',
        topic: 'dead',
      },
    ])
    // Each is handed out once.
    expect(context.shares.takeDeadLetters()).toEqual([])
  })

  it('comes of too many deliveries, released or timed out (S3)', () => {
    const { context, log, a } = begin()
    context.send(log, { records: 3 })
    a.take()
    a.settle('release', [0, 2])
    a.take()
    a.settle('release', [0, 0], { deliveryCount: 2, delayMs: 1_000 })
    expect(offsets(context.shares.takeDeadLetters())).toEqual([0])
    context.advance(30_000)
    const letters = context.shares.takeDeadLetters()
    expect(offsets(letters)).toEqual([1, 2])
    expect(letters[0]?.cause).toBe('deliveryCountLimit')
    expect(a.take()).toEqual([])
  })

  it('comes of a message that nobody had in time', () => {
    const { context, log, a } = begin()
    context.sendJobs(log, [{ expiresAtMs: context.nowMs }, {}])
    expect(a.take()).toEqual([1])
    expect(context.shares.takeDeadLetters()).toMatchObject([
      { offset: 0, cause: 'expired', deliveryCount: 0, firstDeliveredAtMs: 0 },
    ])
  })

  it('keeps its message from being final until it is written, and then ends it', () => {
    const { context, log, a } = begin()
    context.send(log, { records: 2 })
    a.take()
    a.settle('reject', [0, 0])
    a.settle('accept', [1, 1])
    expect(context.describePartition(log)).toMatchObject({ startOffset: 0, available: 0 })
    expect(context.bury()).toHaveLength(1)
    expect(context.describePartition(log)).toMatchObject({
      startOffset: 2,
      counters: { deadLettered: 1, rejected: 1 },
    })
  })

  it('that could not be written is tried again then', () => {
    const { context, log, a } = begin()
    context.send(log)
    a.take()
    a.settle('reject', [0, 0])
    const [letter] = context.shares.takeDeadLetters()
    if (letter === undefined) throw new Error('there is no dead letter')
    const retryAtMs = context.nowMs + 5_000
    context.endLetters([letter], 'failed', retryAtMs)
    expect(context.shares.nextDeadlineMs()).toBe(retryAtMs)
    context.advance(4_999)
    expect(context.shares.takeDeadLetters()).toEqual([])
    context.advance(1)
    expect(context.shares.takeDeadLetters()).toEqual([letter])
  })

  it('that was taken back with its transaction is one again, below the start offset too', () => {
    const { context, log, a } = begin()
    context.send(log, { records: 4 })
    a.take()
    a.settle('reject', [1, 1])
    a.settle('accept', [0, 0])
    const [letter] = context.shares.takeDeadLetters()
    if (letter === undefined) throw new Error('there is no dead letter')
    context.endLetters([letter], 'written')
    a.settle('accept', [2, 2])
    expect(context.describePartition(log).startOffset).toBe(3)
    const retryAtMs = context.nowMs + 5_000
    context.undoLetters([letter], 'written', retryAtMs)
    expect(context.describePartition(log)).toMatchObject({
      startOffset: 1,
      acquired: 1,
      counters: { deadLettered: 0 },
    })
    // What was final behind it is so still.
    expect(context.stored(log).startOffset).toBe(1)
    expect(context.stored(log).runs).toMatchObject([
      { firstOffset: 1, state: 'available', deliveryCount: 1 },
      { firstOffset: 2, lastOffset: 2, state: 'final' },
      { firstOffset: 3, state: 'available', deliveryCount: 1 },
    ])
    context.advance(5_000)
    expect(context.bury()).toEqual([letter])
  })

  it('is found again after the death of the broker when the limit was reached', () => {
    const { context, log, a } = begin()
    context.send(log, { records: 2 })
    a.take(1)
    a.settle('release', [0, 0])
    a.take(1)
    a.settle('release', [0, 0], { deliveryCount: 2 })
    context.restart()
    const b = context.join('b', DEAD)
    expect(b.take()).toEqual([1])
    expect(context.bury()).toMatchObject([
      { offset: 0, deliveryCount: 2, cause: 'deliveryCountLimit' },
    ])
  })

  it('is not handed out a second time by a broker that has loaded its state again', () => {
    const { context, log, a } = begin()
    context.send(log)
    a.take()
    a.settle('reject', [0, 0])
    const [letter] = context.shares.takeDeadLetters()
    if (letter === undefined) throw new Error('there is no dead letter')
    context.restart()
    expect(context.shares.takeDeadLetters()).toEqual([])
    // It is available again: nothing ends it by a letter of before.
    context.endLetters([letter], 'written')
    expect(context.describePartition(log)).toMatchObject({ startOffset: 0, available: 1 })
  })

  it('is not written to the topic that it comes from, unless somebody rejected it (X4)', () => {
    const context = new ShareContext()
    const log = context.createLog('dead')
    const a = context.join('a', { topics: ['dead'], ...DEAD })
    context.sendJobs(log, [{ expiresAtMs: context.nowMs }, {}])
    expect(a.take()).toEqual([1])
    expect(context.known(log).startOffset).toBe(1)
    const { partitionId } = log
    const range = { partitionId, firstOffset: 1, lastOffset: 1, deliveryCount: 1 }
    a.acknowledge([{ ...range, type: 'reject' }])
    expect(context.shares.takeDeadLetters()).toMatchObject([{ offset: 1, cause: 'rejected' }])
  })

  it('goes to where it was meant to go, whatever the group wants since', () => {
    const { context, log, a } = begin()
    context.send(log, { records: 2 })
    a.take()
    a.settle('reject', [0, 0])
    a.join({ options: { deadLetterTopic: null } })
    a.settle('reject', [1, 1])
    expect(context.bury()).toMatchObject([{ offset: 0, topic: 'dead' }])
    expect(context.describePartition(log)).toMatchObject({
      startOffset: 2,
      counters: { deadLettered: 1, dropped: 1, rejected: 2 },
    })
  })

  it('is counted as dropped when there was nothing to write, and not when that was undone', () => {
    const { context, log, a } = begin()
    context.send(log, { records: 2 })
    a.take()
    a.settle('reject', [0, 1])
    const letters = context.shares.takeDeadLetters()
    context.endLetters(letters, 'dropped')
    const { counters, startOffset } = context.describePartition(log)
    expect({ ...counters, startOffset }).toMatchObject({
      startOffset: 2,
      deadLettered: 0,
      dropped: 2,
    })
    context.undoLetters(letters, 'dropped', context.nowMs + 1_000)
    expect(context.describePartition(log)).toMatchObject({
      startOffset: 0,
      counters: { dropped: 0 },
    })
    context.advance(1_000)
    expect(context.shares.takeDeadLetters()).toEqual(letters)
  })

  it('is handed out beside others that are being written', () => {
    const { context, log, a } = begin()
    context.send(log, { records: 6 })
    a.take()
    a.settle('reject', [2, 3])
    const first = context.shares.takeDeadLetters()
    a.settle('reject', [0, 1])
    a.settle('reject', [4, 5])
    const second = context.shares.takeDeadLetters()
    expect([first, second].map(offsets)).toEqual([
      [2, 3],
      [0, 1, 4, 5],
    ])
    context.endLetters(first.slice(0, 1), 'failed', context.nowMs + 1_000)
    context.endLetters(second.slice(0, 2), 'written')
    expect(context.shares.takeDeadLetters()).toEqual([])
    context.advance(1_000)
    expect(offsets(context.shares.takeDeadLetters())).toEqual([2])
  })

  it('takes a place among those in flight, so that there is an end to them', () => {
    const { context, log, a } = begin(DEAD, { sharePartitionAcquiredMax: 3 })
    const expiresAtMs = context.nowMs
    context.sendJobs(
      log,
      Array.from({ length: 10 }, () => ({ expiresAtMs })),
    )
    context.send(log, { records: 5 })
    expect(a.take()).toEqual([10, 11, 12])
    expect(context.shares.takeDeadLetters()).toEqual([])
    a.settle('accept', [10, 12])
    expect(a.take()).toEqual([13, 14])
    expect(offsets(context.bury())).toEqual([0])
    a.settle('accept', [13, 14])
    for (let round = 0; round < 3; round++) {
      a.take()
      expect(context.bury()).toHaveLength(3)
    }
    expect(context.describePartition(log)).toMatchObject({
      startOffset: 15,
      counters: { expired: 10, deadLettered: 10 },
    })
  })
})
