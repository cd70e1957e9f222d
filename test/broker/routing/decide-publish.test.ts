import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseBatchHeader } from '../../../src/protocol/batch-header.js'
import type { PublishResult } from '../../../src/protocol/requests/exchanges.js'
import { keysOf } from '../batches.js'
import { thrownBy } from '../../protocol/thrown.js'
import { RoutingContext } from './routing-context.js'

/** A fanout `x` to `a`, of one partition, and `b`, of three. */
function begin(limits = {}): RoutingContext {
  const context = new RoutingContext(limits)
  context.createTopic('a')
  context.createTopic('b', 3, { maxMessageBytes: 1_000 })
  context.declare('x', 'fanout')
  context.bind('x', { topic: 'a' })
  context.bind('x', { topic: 'b' })
  return context
}

const codeOf = (action: () => unknown) => thrownBy(action).code
const codes = (results: readonly PublishResult[]) => results.map(({ error }) => error?.code)

describe('what is published', () => {
  it('is in each queue in one decision, each copy with its own place (X3)', () => {
    const context = begin()
    const [a] = context.partitionIds('a')
    context.append(context.log(a), { records: 4 })
    const results = context.publish('x', [
      { batches: [{ keyHash: 7, records: 2, key: 'k' }] },
      { batches: [{ keyHash: 7 }] },
    ])
    expect(results.map(({ placements }) => placements)).toMatchObject([
      [
        { topic: 'a', partition: 0, batch: 0, baseOffset: 4 },
        { topic: 'b', partition: 1, batch: 0, baseOffset: 0 },
      ],
      [
        { topic: 'a', partition: 0, batch: 0, baseOffset: 6 },
        { topic: 'b', partition: 1, batch: 0, baseOffset: 2 },
      ],
    ])
    const [, ...published] = context.appended
    expect(published.map((batch) => parseBatchHeader(batch).baseOffset)).toEqual([4, 0, 6, 2])
    expect(new Set(published).size).toBe(4)
    expect(keysOf(published)).toEqual(['k', 'k', undefined, undefined])
    expect(context.ends('a')).toEqual([7])
    expect(context.ends('b')).toEqual([0, 3, 0])
  })

  it('with a key goes to the partition that a producer would choose, others in turn', () => {
    const context = begin()
    context.publish('x', [{ batches: [{ keyHash: 2 ** 31 - 1 }] }])
    expect(context.ends('b')).toEqual([0, 1, 0])
    for (let round = 0; round < 3; round++) {
      context.publish('x', [{ batches: [{}, {}] }, { batches: [{}] }])
    }
    expect(context.ends('b')).toEqual([3, 4, 3])
  })

  it('says of several batches in one partition where the first is', () => {
    const context = begin()
    const [result] = context.publish('x', [
      { batches: [{ keyHash: 0 }, { keyHash: 1, records: 2 }, { keyHash: 3 }] },
    ])
    expect(result?.placements).toMatchObject([
      { topic: 'a', partition: 0, batch: 0, baseOffset: 0 },
      { topic: 'b', partition: 0, batch: 0, baseOffset: 0 },
      { topic: 'b', partition: 1, batch: 1, baseOffset: 0 },
    ])
    expect(context.ends('b')).toEqual([2, 2, 0])
  })

  it('is in no queue when one cannot take it, and the others are stored', () => {
    const context = begin()
    const results = context.publish('x', [
      {},
      { batches: [{}, { bytes: 2_000 }] },
      { batches: [{ records: 2 }] },
    ])
    expect(codes(results)).toEqual([undefined, 'MESSAGE_TOO_LARGE', undefined])
    expect(context.ends('a')).toEqual([3])
  })

  it('is refused where a batch is none, or larger than there can be', () => {
    const context = begin({ batchBytesMax: 1_000 })
    const results = context.publish('x', [{ batches: [{ bytes: 900 }] }], {
      publications: [
        {
          routingKey: '',
          headers: {},
          mandatory: false,
          batches: [{ keyHash: null, batch: new ArrayBuffer(8) }],
        },
      ],
    })
    expect(codes(results)).toEqual(['CORRUPT_MESSAGE'])
    expect(codes(context.publish('x', [{ batches: [{ bytes: 990 }] }]))).toEqual([
      'MESSAGE_TOO_LARGE',
    ])
    expect(context.ends('a')).toEqual([0])
  })

  it('is refused when it is mandatory and there is no queue, and dropped else', () => {
    const context = begin()
    context.declare('empty', 'direct')
    expect(codes(context.publish('empty', [{ mandatory: true }, {}]))).toEqual([
      'UNROUTABLE_MESSAGE',
      undefined,
    ])
    expect(codeOf(() => context.publish('unknown', [{}]))).toBe('UNKNOWN_EXCHANGE')
  })

  it('waits for another request when its copies have no room, with all that follow', () => {
    const context = begin({ publishAppendsMax: 4 })
    const three = { batches: [{}, {}, {}] }
    const results = context.publish('x', [{}, { batches: [{}, {}] }, {}, three])
    expect(codes(results)).toEqual([
      undefined,
      'THROTTLING_QUOTA_EXCEEDED',
      'THROTTLING_QUOTA_EXCEEDED',
      'MESSAGE_TOO_LARGE',
    ])
    expect(context.ends('a')).toEqual([1])
    const { byteLength = 0 } = context.appended[0] ?? {}
    const bytes = begin({ publishBytesMax: 4 * byteLength })
    expect(codes(bytes.publish('x', [{}, {}, {}]))).toEqual([
      undefined,
      undefined,
      'THROTTLING_QUOTA_EXCEEDED',
    ])
  })
})

describe('what is published again', () => {
  it('is answered as before and stored nowhere, whatever is bound now', () => {
    const context = begin()
    const sent = [{}, { mandatory: true, routingKey: 'k' }, { batches: [{ bytes: 2_000 }] }]
    const first = context.publish('x', sent, { firstNumber: 5 })
    context.unbind('x', { topic: 'a' })
    const again = context.publish('x', sent, { firstNumber: 5, isRepeat: true })
    expect(again).toEqual(first)
    expect(context.ends('a')).toEqual([2])
    expect(context.publish('x', [{}], { firstNumber: 8 })[0]?.placements).toHaveLength(1)
  })

  it('is known of the last request alone, and by the number and length of it', () => {
    const context = begin()
    context.publish('x', [{}, {}], { firstNumber: 0 })
    context.publish('x', [{}], { firstNumber: 2 })
    for (const [firstNumber, count] of [
      [0, 2],
      [1, 1],
      [2, 2],
    ] as const) {
      const publish = () =>
        context.publish(
          'x',
          Array.from({ length: count }, () => ({})),
          { firstNumber },
        )
      expect(codeOf(publish)).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
    }
    // What was given up has left a gap.
    context.publish('x', [{}], { firstNumber: 9 })
    expect(context.ends('a')).toEqual([4])
  })

  it('is of one producer and one exchange', () => {
    const context = begin()
    context.declare('y', 'fanout')
    context.bind('y', { topic: 'a' })
    for (const [exchange, producerId] of [
      ['x', 1],
      ['x', 2],
      ['y', 1],
    ] as const) {
      context.publish(exchange, [{}], { producerId, firstNumber: 0 })
    }
    expect(context.ends('a')).toEqual([3])
  })

  it('by a producer that was forgotten is refused: nobody can say what became of it', () => {
    const context = begin()
    const publish = (isRepeat: boolean) => () =>
      context.publish('x', [{}], { firstNumber: 4, isRepeat })
    expect(codeOf(publish(true))).toBe('UNKNOWN_PRODUCER_ID')
    expect(codes(publish(false)())).toEqual([undefined])
  })

  it('is decided anew when nothing of it was stored', () => {
    const context = begin()
    context.declare('empty', 'fanout')
    context.publish('empty', [{}], { firstNumber: 0 })
    context.bind('empty', { topic: 'a' })
    const [result] = context.publish('empty', [{}], { firstNumber: 0 })
    expect(result?.placements).toHaveLength(1)
  })

  it('is stored after all when there was no space for it', () => {
    const context = begin()
    context.publish('x', [{}], { firstNumber: 0 })
    context.commit()
    context.publish('x', [{}], { firstNumber: 1 })
    context.publish('x', [{}], { firstNumber: 2 })
    context.rollBack()
    expect(context.ends('a')).toEqual([1])
    expect(context.publish('x', [{}], { firstNumber: 1 })[0]?.placements?.[0]).toMatchObject({
      baseOffset: 1,
    })
    context.publish('x', [{}], { firstNumber: 0, producerId: 9 })
    context.rollBack()
    const again = () =>
      context.publish('x', [{}], { firstNumber: 0, producerId: 9, isRepeat: true })
    expect(codeOf(again)).toBe('UNKNOWN_PRODUCER_ID')
  })
})

const QUEUES: Readonly<Record<string, readonly string[]>> = {
  a: ['a'],
  b: ['b'],
  both: ['a', 'b'],
}

describe('any publications', () => {
  it('are each in all their queues or in none, once, whatever comes again', () => {
    const publication = fc.record({
      routingKey: fc.constantFrom('a', 'b', 'both', 'none'),
      mandatory: fc.boolean(),
      batches: fc.array(
        fc.record({
          keyHash: fc.option(fc.nat(10)),
          records: fc.integer({ min: 1, max: 3 }),
          bytes: fc.constantFrom(0, 0, 0, 2_000),
        }),
        { minLength: 1, maxLength: 3 },
      ),
    })
    const requests = fc.array(
      fc.record({
        publications: fc.array(publication, { maxLength: 4 }),
        times: fc.integer({ min: 1, max: 3 }),
        fate: fc.constantFrom('commit', 'commit', 'wait', 'rollBack'),
      }),
      { maxLength: 6 },
    )
    fc.assert(
      fc.property(requests, (all) => {
        const context = new RoutingContext({ publishAppendsMax: 12 })
        context.createTopic('a')
        context.createTopic('b', 3, { maxMessageBytes: 1_000 })
        context.declare('x', 'direct')
        for (const topic of ['a', 'b']) {
          context.bind('x', { topic, routingKey: topic })
          context.bind('x', { topic, routingKey: 'both' })
        }
        const total = (topic: string) => context.ends(topic).reduce((sum, end) => sum + end, 0)
        let durable = { a: 0, b: 0 }
        let expected = { a: 0, b: 0 }
        let firstNumber = 0
        for (const { publications, times, fate } of all) {
          let first: readonly PublishResult[] | undefined
          for (let time = 0; time < times; time++) {
            const results = context.publish('x', publications, { firstNumber })
            first ??= results
            expect(results).toEqual(first)
          }
          for (const [at, { routingKey, batches }] of publications.entries()) {
            const placed = new Set(first?.[at]?.placements?.map(({ topic }) => topic))
            const count = batches.reduce((sum, { records }) => sum + records, 0)
            const queues = QUEUES[routingKey] ?? []
            expect(placed.size === 0 || placed.size === queues.length).toBe(true)
            if (placed.size === 0) continue
            expected = {
              a: expected.a + (queues.includes('a') ? count : 0),
              b: expected.b + (queues.includes('b') ? count : 0),
            }
          }
          firstNumber += publications.length
          if (fate === 'rollBack') {
            context.rollBack()
            expected = durable
          } else if (fate === 'commit') {
            context.commit()
            durable = expected
          }
          expect({ a: total('a'), b: total('b') }).toEqual(expected)
        }
      }),
    )
  })
})
