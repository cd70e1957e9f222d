import { describe, expect, it } from 'vitest'
import { groupsOf } from '../../demo/sending/file-sender.js'
import { placeMessages } from '../../demo/sending/placement.js'
import { keyPartition } from '../../src/index.js'

const numPartitions = 6
const partitionOf = (key: string) => keyPartition(new TextEncoder().encode(key), numPartitions)
const answered = (partition: number, baseOffset: number) => ({
  topic: 'rows',
  partition,
  baseOffset,
  timestamp: 0,
})

describe('the placement of messages', () => {
  it('gives messages of one partition the offsets that follow the first, in their order', () => {
    const messages = ['a', 'b', 'a', 'c'].map((key, number) => ({ key, number }))
    const partitions = [...new Set(messages.map(({ key }) => partitionOf(key)))]
    const answer = partitions.map((partition, index) => answered(partition, 100 * index))
    const shares = placeMessages({ messages, numPartitions, answer })
    const share = shares.find(({ partition }) => partition === partitionOf('a'))
    const expected = messages
      .filter(({ key }) => partitionOf(key) === partitionOf('a'))
      .map(({ number }) => number)
    expect(share?.numbers).toEqual(expected)
    expect(shares.flatMap(({ numbers }) => numbers)).toHaveLength(4)
  })

  it('finds messages without a key where the answer says', () => {
    const messages = [4, 5].map((number) => ({ key: undefined, number }))
    const shares = placeMessages({ messages, numPartitions, answer: [answered(3, 10)] })
    expect(shares).toEqual([{ partition: 3, baseOffset: 10, numbers: [4, 5] }])
  })

  it('refuses an answer that does not fit', () => {
    const messages = [{ key: 'a', number: 0 }]
    const answer = [answered((partitionOf('a') + 1) % numPartitions, 0)]
    expect(() => placeMessages({ messages, numPartitions, answer })).toThrow('do not belong')
    expect(() => placeMessages({ messages, numPartitions, answer: [] })).toThrow('do not belong')
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
