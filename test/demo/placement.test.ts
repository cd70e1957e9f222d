import { describe, expect, it } from 'vitest'
import { groupsOf } from '../../demo/sending/file-sender.js'
import { Placement } from '../../demo/sending/placement.js'
import { keyPartition, type RecordMetadata } from '../../src/index.js'
import { memoryBroker } from '../../src/testing/index.js'

const encoder = new TextEncoder()

function answered(partition: number, baseOffset: number): RecordMetadata {
  return { topic: 'rows', partition, baseOffset, timestamp: 0 }
}

/** As the producer does it. */
function choose(placement: Placement, keys: readonly (string | undefined)[], numPartitions = 6) {
  return keys.map((key, number) => {
    const id = `run.${number}`
    const partition = placement.partitioner({
      topic: 'rows',
      numPartitions,
      key: key === undefined ? undefined : encoder.encode(key),
      message: { value: null, headers: { id } },
    })
    return { id, number, chosen: partition }
  })
}

describe('the placement of messages', () => {
  it('gives messages of one partition the offsets that follow the first, in their order', () => {
    const placement = new Placement()
    const messages = choose(placement, ['a', 'b', 'a', 'c'])
    const partitions = [...new Set(messages.map(({ chosen }) => chosen))]
    const answer = partitions.map((partition, index) => answered(partition, 100 * index))
    const shares = placement.place(messages, answer)
    const ofA = keyPartition(encoder.encode('a'), 6)
    const expected = messages.filter(({ chosen }) => chosen === ofA).map(({ number }) => number)
    expect(shares.find(({ partition }) => partition === ofA)?.numbers).toEqual(expected)
    expect(shares.flatMap(({ numbers }) => numbers)).toHaveLength(4)
  })

  it('keeps messages without a key together, and turns to another partition', () => {
    const placement = new Placement()
    const [first, second] = choose(placement, [undefined, undefined])
    placement.turn()
    const [third] = choose(placement, [undefined])
    expect(second?.chosen).toBe(first?.chosen)
    expect(third?.chosen).not.toBe(first?.chosen)
  })

  it('refuses an answer that does not fit', () => {
    const wrong = (answer: readonly RecordMetadata[]) => {
      const placement = new Placement()
      return () => placement.place(choose(placement, ['a']), answer)
    }
    const other = (keyPartition(encoder.encode('a'), 6) + 1) % 6
    expect(wrong([answered(other, 0)])).toThrow('do not belong')
    expect(wrong([])).toThrow('do not belong')
  })

  it('is where the log has them, also when partitions are added meanwhile', async () => {
    await using broker = memoryBroker()
    const mq = broker.client()
    const placement = new Placement()
    const producer = mq.producer({ partitioner: placement.partitioner })
    await mq.admin().createTopics({ topics: [{ topic: 'rows', numPartitions: 2 }] })
    let number = 0
    for (const count of [2, 5]) {
      await mq
        .admin()
        .createPartitions({ topicPartitions: [{ topic: 'rows', count }] })
        .catch(() => {})
      const messages = Array.from({ length: 40 }, () => ({ id: `run.${number}`, number: number++ }))
      placement.turn()
      const answer = await producer.send({
        topic: 'rows',
        messages: messages.map(({ id, number: value }) => {
          const key = value % 3 === 0 ? {} : { key: `key ${value}` }
          return { value, headers: { id }, ...key }
        }),
      })
      const ends = await mq.admin().fetchTopicOffsets('rows')
      const shares = placement.place(messages, answer)
      expect(shares.flatMap(({ numbers }) => numbers)).toHaveLength(40)
      for (const { partition, baseOffset, numbers } of shares) {
        expect(baseOffset + numbers.length).toBe(ends[partition]?.high)
      }
    }
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
