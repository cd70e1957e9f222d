import { describe, expect, it } from 'vitest'
import { groupsOf } from '../../demo/sending/file-sender.js'
import { partitionFor, placeMessages } from '../../demo/sending/placement.js'
import type { RecordMetadata } from '../../src/index.js'
import { memoryBroker } from '../../src/testing/index.js'

function answered(partition: number, baseOffset: number): RecordMetadata {
  return { topic: 'rows', partition, baseOffset, timestamp: 0 }
}

describe('the placement of messages', () => {
  it('gives messages of one partition the offsets that follow the first, in their order', () => {
    const messages = [4, 1, 4, 2].map((partition, number) => ({ partition, number }))
    const answer = [answered(1, 100), answered(2, 0), answered(4, 7)]
    expect(placeMessages(messages, answer)).toEqual([
      { partition: 1, baseOffset: 100, numbers: [1] },
      { partition: 2, baseOffset: 0, numbers: [3] },
      { partition: 4, baseOffset: 7, numbers: [0, 2] },
    ])
  })

  it('refuses an answer that does not fit', () => {
    const messages = [{ partition: 3, number: 0 }]
    expect(() => placeMessages(messages, [answered(2, 0)])).toThrow('do not belong')
    expect(() => placeMessages(messages, [])).toThrow('do not belong')
  })

  it('is where a producer puts messages by their keys', async () => {
    await using broker = memoryBroker()
    const mq = broker.client()
    await mq.admin().createTopics({ topics: [{ topic: 'rows', numPartitions: 5 }] })
    const producer = mq.producer()
    for (const key of ['a', 'sensor-7', 'Zürich', '']) {
      const [answer] = await producer.send({ topic: 'rows', messages: [{ key, value: 1 }] })
      expect(partitionFor(key, { numPartitions: 5, anywhere: 0 })).toBe(answer?.partition)
    }
  })

  it('keeps messages without a key together, and turns to another partition', () => {
    const without = (anywhere: number) => partitionFor(undefined, { numPartitions: 3, anywhere })
    expect([0, 1, 2, 3].map(without)).toEqual([0, 1, 2, 0])
  })
})

describe('groups of rows', () => {
  it('are small enough for one batch, in order, and complete', () => {
    const rows = Array.from({ length: 1_201 }, (_, index) => ({ line: index, value: 'x' }))
    const groups = [...groupsOf(rows)]
    expect(groups.map((group) => group.length)).toEqual([500, 500, 201])
    expect(groups.flat()).toEqual(rows)
  })

  it('hold a single row however long it is', () => {
    const long = { line: 1, value: 'x'.repeat(900_000) }
    expect([...groupsOf([long, long])].map((group) => group.length)).toEqual([1, 1])
  })
})
