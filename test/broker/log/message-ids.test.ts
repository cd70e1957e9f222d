import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MessageIds } from '../../../src/broker/log/message-ids.js'
import { BROKER_LIMITS } from '../../../src/protocol/limits.js'
import type { PartitionId, TopicId } from '../../../src/protocol/names.js'
import { defaultTopicConfig } from '../../../src/protocol/topic-config.js'
import { placedBatch } from '../batches.js'

const A = 'a' as TopicId
const B = 'b' as TopicId
const P = 1 as PartitionId
const WINDOW_MS = 10_000

const LIMITS = { messageIdsPerTopicMax: 100, messageIdsBytesMax: 1_000_000 }

function idsOf(limits: Partial<typeof LIMITS> = {}): MessageIds {
  const ids = new MessageIds({ ...LIMITS, ...limits })
  ids.restore(A, WINDOW_MS, [])
  return ids
}

interface Appended {
  readonly ids: readonly (string | null)[]
  readonly at?: number
  readonly baseOffset?: number
  readonly partitionId?: PartitionId
  readonly topicId?: TopicId
}

function append(known: MessageIds, appended: Appended): void {
  const { ids, at = 1_000, baseOffset = 0, partitionId = P, topicId = A } = appended
  known.replayBatch(topicId, partitionId, placedBatch({ ids }, { baseOffset, appendedAtMs: at }))
  known.checkInvariants()
}

describe('the message ids of a topic', () => {
  it('are those of its batches, with where they are', () => {
    const known = idsOf()
    append(known, { ids: ['x', null, 'é'], baseOffset: 5 })
    const expected = { partitionId: P, appendedAtMs: 1_000 }
    expect(known.of(A)?.find('x', 1_000)).toEqual({ ...expected, offset: 5 })
    expect(known.of(A)?.find('\u00C3\u00A9', 1_000)).toEqual({ ...expected, offset: 7 })
    expect(known.of(A)?.count).toBe(2)
    expect(known.of(B)).toBeUndefined()
  })

  it('are known for the window and no longer, and then for another', () => {
    const known = idsOf()
    append(known, { ids: ['x'] })
    expect(known.of(A)?.find('x', 1_000 + WINDOW_MS - 1)?.offset).toBe(0)
    expect(known.of(A)?.find('x', 1_000 + WINDOW_MS)).toBeUndefined()
    append(known, { ids: ['x'], baseOffset: 9, at: 20_000 })
    expect(known.of(A)?.find('x', 20_000)?.offset).toBe(9)
    expect(known.of(A)?.count).toBe(1)
  })

  it('are forgotten when they are of no use, the oldest first when there are too many', () => {
    const known = idsOf({ messageIdsPerTopicMax: 3 })
    append(known, { ids: ['a', 'b'] })
    append(known, { ids: ['c', 'd'], baseOffset: 2, at: 2_000 })
    const there = () => ['a', 'b', 'c', 'd'].filter((id) => known.of(A)?.find(id, 2_000))
    expect(there()).toEqual(['b', 'c', 'd'])
    known.forgetExpired(1_000 + WINDOW_MS)
    expect(there()).toEqual(['c', 'd'])
    expect(known.of(A)?.count).toBe(2)
  })

  it('take no more memory than they may, of the topic that has most', () => {
    const known = idsOf({ messageIdsBytesMax: 3_000 })
    known.restore(B, WINDOW_MS, [])
    append(known, { ids: ['small'], topicId: B })
    for (let at = 0; at < 50; at++) append(known, { ids: [`${at}`.repeat(100)], baseOffset: at })
    expect(known.bytes).toBeLessThanOrEqual(3_000)
    expect(known.of(B)?.find('small', 1_000)).toBeDefined()
    expect(known.of(A)?.find('49'.repeat(100), 1_000)?.offset).toBe(49)
    expect(known.of(A)?.find('0'.repeat(100), 1_000)).toBeUndefined()
  })

  it('stay with a shorter window, and go with a longer one, without one, and with the topic', () => {
    const config = (dedupWindowMs: number | null) => ({ ...defaultTopicConfig(), dedupWindowMs })
    const known = idsOf()
    append(known, { ids: ['x'] })
    known.replayTopic(A, config(5_000))
    expect(known.of(A)?.find('x', 5_999)).toBeDefined()
    expect(known.of(A)?.find('x', 6_000)).toBeUndefined()
    for (const changed of [config(5_001), config(null), undefined]) {
      known.restore(A, 5_000, [])
      append(known, { ids: ['x'] })
      known.replayTopic(A, changed)
      expect(known.of(A)).toBeUndefined()
      known.checkInvariants()
    }
  })

  it('go back to what is durable', () => {
    const known = idsOf()
    append(known, { ids: ['x', 'y'] })
    append(known, { ids: ['z'], partitionId: 2 as PartitionId })
    known.rollBack((partitionId) => (partitionId === P ? 1 : 1))
    known.checkInvariants()
    expect(['x', 'y', 'z'].filter((id) => known.of(A)?.find(id, 1_000))).toEqual(['x', 'z'])
  })

  it('are what a plain list of what was appended says, whatever happens', () => {
    const step = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 1 }),
      },
      { weight: 1, arbitrary: fc.constant('roll back' as const) },
      { weight: 1, arbitrary: fc.constant('forget' as const) },
      { weight: 2, arbitrary: fc.nat(8) },
    )
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const known = idsOf()
        let appended: { id: string; offset: number; atMs: number }[] = []
        let [nowMs, next, durable] = [1_000, 0, 0]
        for (const one of steps) {
          if (typeof one === 'number') {
            nowMs += 1_000 * one
            durable = next
          } else if (one === 'forget') {
            known.forgetExpired(nowMs)
          } else if (one === 'roll back') {
            known.rollBack(() => durable)
            appended = appended.filter(({ offset }) => offset < durable)
            next = durable
          } else {
            const fresh = new Set(one.filter((id) => !known.of(A)?.find(id, nowMs)))
            if (fresh.size === 0) continue
            append(known, { ids: [...fresh], baseOffset: next, at: nowMs })
            for (const id of fresh) appended.push({ id, offset: next++, atMs: nowMs })
          }
          known.checkInvariants()
          for (const id of ['a', 'b', 'c', 'd', 'e']) {
            const last = appended.findLast((message) => message.id === id)
            const isKnown = last !== undefined && last.atMs > nowMs - WINDOW_MS
            expect(known.of(A)?.find(id, nowMs)?.offset).toBe(isKnown ? last.offset : undefined)
          }
        }
      }),
      { numRuns: 200 },
    )
  })

  it('are bounded by default', () => {
    expect(BROKER_LIMITS.messageIdsPerTopicMax * 1_000).toBeGreaterThan(
      BROKER_LIMITS.messageIdsBytesMax,
    )
  })
})
