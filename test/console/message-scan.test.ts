/** How the message browser looks through a topic, on the broker in memory. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  MessageScan,
  PAGE_LIMITS,
  type ScanOptions,
} from '../../src/console/messages/message-scan.js'
import type { Row } from '../../src/console/messages/message-row.js'
import { toFilter } from '../../src/console/filter/filter.js'
import { TabmqError, type FetchMessagesOptions } from '../../src/index.js'
import { memoryBroker } from '../../src/testing/index.js'

const broker = memoryBroker()
const mq = broker.client()
const admin = mq.admin()
const never = new AbortController().signal

beforeAll(async () => {
  await admin.createTopics({ topics: [{ topic: 'orders', numPartitions: 3 }] })
  const producer = mq.producer()
  for (let from = 0; from < 3_000; from += 1_000) {
    await producer.send({
      topic: 'orders',
      messages: Array.from({ length: 1_000 }, (_, at) => ({
        key: `k${(from + at) % 10}`,
        value: { id: from + at },
        partition: (from + at) % 3,
        timestamp: 1_000_000 + from + at,
      })),
    })
  }
})
afterAll(() => broker.close())

function scan(options: Partial<ScanOptions> = {}): MessageScan {
  return new MessageScan({
    admin,
    topic: 'orders',
    partitions: [0, 1, 2],
    start: { type: 'oldest' },
    accepts: () => true,
    ...options,
  })
}

function idsOf(rows: readonly Row[]): number[] {
  return rows.map((row) => (row.type === 'message' ? (row.value as { id: number }).id : -1))
}

async function all(scan: MessageScan): Promise<{ ids: number[]; pages: number; looked: number }> {
  const ids: number[] = []
  let looked = 0
  for (let pages = 1; ; pages++) {
    const page = await scan.page(never)
    ids.push(...idsOf(page.rows))
    looked += page.looked
    if (page.isAtEnd) return { ids, pages, looked }
  }
}

describe('a scan', () => {
  test('comes to everything once, from the oldest on', async () => {
    const { ids, pages, looked } = await all(scan())
    expect(ids.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 3_000 }, (_, id) => id))
    expect(pages).toBeGreaterThan(10)
    expect(looked).toBe(3_000)
  })

  test('begins with the newest, of all partitions alike, and goes back', async () => {
    const newest = scan({ start: { type: 'newest' } })
    const first = await newest.page(never, { ...PAGE_LIMITS, rows: 60 })
    expect(idsOf(first.rows)).toEqual(Array.from({ length: 60 }, (_, at) => 2_999 - at))
    const { ids } = await all(newest)
    expect(ids).toHaveLength(2_940)
    expect(Math.max(...ids)).toBe(2_939)
  })

  test('begins at an offset or a time', async () => {
    const { ids } = await all(scan({ partitions: [1], start: { type: 'offset', offset: 990 } }))
    expect(ids).toEqual([2971, 2974, 2977, 2980, 2983, 2986, 2989, 2992, 2995, 2998])
    const time = await all(scan({ start: { type: 'time', timestampMs: 1_002_990 } }))
    expect(time.ids.toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 10 }, (_, at) => 2_990 + at),
    )
    const late = await all(scan({ start: { type: 'time', timestampMs: 2_000_000 } }))
    expect(late).toEqual({ ids: [], pages: 1, looked: 0 })
  })

  test('keeps what the filter lets pass, and stops when it has looked at enough', async () => {
    const accepts = toFilter('value.id >= 2995')
    const { ids, pages } = await all(scan({ accepts }))
    expect(ids.toSorted((a, b) => a - b)).toEqual([2995, 2996, 2997, 2998, 2999])
    expect(pages).toBe(1)
    const short = scan({ accepts })
    const page = await short.page(never, { ...PAGE_LIMITS, looked: 600 })
    expect(page).toMatchObject({ rows: [], isAtEnd: false })
    expect(page.looked).toBeLessThan(1_200)
    expect((await all(short)).ids).toHaveLength(5)
  })

  test('ends a page when its messages weigh enough', async () => {
    const page = await scan().page(never, { ...PAGE_LIMITS, weight: 1_000 })
    expect(page.rows.length).toBeGreaterThan(0)
    expect(page.rows.length).toBeLessThan(200)
    expect(page.isAtEnd).toBe(false)
  })

  test('holds little of what is large, from either end', async () => {
    await admin.createTopics({ topics: [{ topic: 'large', config: { maxMessageBytes: 1e6 } }] })
    const producer = mq.producer()
    for (let at = 0; at < 80; at++) {
      await producer.send({ topic: 'large', messages: [{ value: 'x'.repeat(100_000) }] })
    }
    for (const type of ['oldest', 'newest'] as const) {
      const large = scan({ topic: 'large', partitions: [0], start: { type } })
      const page = await large.page(never)
      // Eight million bytes and a window more.
      expect(page.rows.length).toBeGreaterThanOrEqual(40)
      expect(page.rows.length).toBeLessThanOrEqual(60)
      expect((await large.page(never)).rows.length + page.rows.length).toBe(80)
    }
  })

  test('goes on where it was stopped', async () => {
    const stopped = scan()
    const control = new AbortController()
    control.abort()
    expect(await stopped.page(control.signal)).toMatchObject({ rows: [], isAtEnd: false })
    expect((await all(stopped)).ids).toHaveLength(3_000)
  })
})

describe('a scan of many partitions', () => {
  const WIDE = 64
  const partitions = Array.from({ length: WIDE }, (_, partition) => partition)
  let requests = 0
  const counting = {
    fetchTopicOffsets: (topic: string) => admin.fetchTopicOffsets(topic),
    fetchTopicOffsetsByTimestamp: (topic: string, at: number) =>
      admin.fetchTopicOffsetsByTimestamp(topic, at),
    fetchMessages: (options: FetchMessagesOptions) => {
      requests += 1
      return admin.fetchMessages(options)
    },
  }
  const wide = (options: Partial<ScanOptions>) =>
    scan({ admin: counting, topic: 'wide', partitions, ...options })

  beforeAll(async () => {
    await admin.createTopics({ topics: [{ topic: 'wide', numPartitions: WIDE }] })
    // Partitions one after the other: the newest are all in the last.
    const messages = Array.from({ length: 100 * WIDE }, (_, id) => ({
      value: { id },
      partition: Math.floor(id / 100),
      timestamp: 1_000_000 + id,
    }))
    await mq.producer().send({ topic: 'wide', messages })
  })

  test.each(['newest', 'oldest'] as const)('has the %s first, over all pages', async (type) => {
    const { ids } = await all(wide({ start: { type } }))
    const expected = Array.from({ length: 100 * WIDE }, (_, id) => id)
    expect(ids).toEqual(type === 'oldest' ? expected : expected.toReversed())
  })

  test('looks through them in large steps where it finds nothing', async () => {
    requests = 0
    const { looked } = await all(wide({ accepts: () => false }))
    expect(looked).toBe(100 * WIDE)
    expect(requests).toBeLessThanOrEqual(4 * WIDE)
  })

  test('reads little ahead of what it gives out', async () => {
    const read = wide({ start: { type: 'oldest' } })
    requests = 0
    const page = await read.page(never)
    expect(idsOf(page.rows)).toEqual(Array.from({ length: 200 }, (_, id) => id))
    // The first few of each, and two partitions whole.
    expect(requests).toBeLessThanOrEqual(WIDE + 50)
    expect(page).toMatchObject({ looked: 200, isAtEnd: false })
    expect(read.total).toBe(100 * WIDE)
  })

  test('loses nothing and repeats nothing when reading fails in between', async () => {
    let calls = 0
    const failing = {
      ...counting,
      fetchMessages: (options: FetchMessagesOptions) => {
        calls += 1
        return calls % 7 === 0 ? Promise.reject(new Error('not now')) : admin.fetchMessages(options)
      },
    }
    const broken = wide({ admin: failing, start: { type: 'newest' } })
    const ids: number[] = []
    let failures = 0
    for (let isAtEnd = false; !isAtEnd;) {
      const page = await broken.page(never).catch((error: unknown) => {
        expect(error).toEqual(new Error('not now'))
        failures += 1
      })
      ids.push(...idsOf(page?.rows ?? []))
      isAtEnd = page?.isAtEnd === true
    }
    expect(failures).toBeGreaterThan(5)
    expect(ids).toEqual(Array.from({ length: 100 * WIDE }, (_, id) => id).toReversed())
  })
})

test('partitions are merged by time, and each keeps its order, whatever times its messages say', async () => {
  const logs = fc.array(fc.array(fc.nat({ max: 20 }), { maxLength: 30 }), {
    minLength: 1,
    maxLength: 5,
  })
  const starts = fc.constantFrom('oldest' as const, 'newest' as const)
  const check = fc.asyncProperty(
    logs,
    starts,
    fc.integer({ min: 1, max: 30 }),
    async (times, type, rows) => {
      const merged = scan({
        admin: adminOf(times),
        partitions: times.map((_, partition) => partition),
        start: { type },
      })
      const found: Row[] = []
      for (let isAtEnd = false; !isAtEnd;) {
        const page = await merged.page(never, { ...PAGE_LIMITS, rows })
        expect(page.rows.length).toBeLessThanOrEqual(rows)
        found.push(...page.rows)
        isAtEnd = page.isAtEnd
      }
      const sign = type === 'oldest' ? 1 : -1
      for (const [partition, log] of times.entries()) {
        const own = found.filter((row) => row.partition === partition).map(({ offset }) => offset)
        const offsets = log.map((_, offset) => offset)
        expect(own).toEqual(sign > 0 ? offsets : offsets.toReversed())
      }
      // Each counts as no earlier, in the direction of reading, than those of its partition before it.
      const reached = times.map(() => -Infinity)
      const order = found.map(({ partition, offset }) => {
        const own = sign * (times[partition]?.[offset] ?? 0)
        return (reached[partition] = Math.max(reached[partition] ?? -Infinity, own))
      })
      expect(order).toEqual(order.toSorted((a, b) => a - b))
    },
  )
  await fc.assert(check, { numRuns: 100 })
})

/** Logs of nothing but times. */
function adminOf(logs: readonly (readonly number[])[]): ScanOptions['admin'] {
  const ends = () =>
    Promise.resolve(
      logs.map((log, partition) => ({ partition, offset: log.length, low: 0, high: log.length })),
    )
  return {
    fetchTopicOffsets: ends,
    fetchTopicOffsetsByTimestamp: () => Promise.reject(new Error('not asked for')),
    fetchMessages: ({ partition, offset = 0, maxMessages = 100 }) => {
      const log = logs[partition] ?? []
      const messages = log.slice(offset, offset + maxMessages).map((timestamp, at) => ({
        offset: offset + at,
        timestamp,
        key: null,
        value: null,
        headers: {},
        codec: 'structured',
      }))
      const nextOffset = offset + messages.length
      return Promise.resolve({ messages, nextOffset, low: 0, high: log.length })
    },
  }
}

describe('a batch that cannot be read', () => {
  function damaged(nextOffset: number | undefined, behind = 20): Partial<ScanOptions> {
    return {
      partitions: [0],
      admin: {
        fetchTopicOffsets: (topic) => admin.fetchTopicOffsets(topic),
        fetchTopicOffsetsByTimestamp: (topic, at) => admin.fetchTopicOffsetsByTimestamp(topic, at),
        fetchMessages: async (options) => {
          const { offset = 0, maxMessages = 100 } = options
          if (offset >= 10 && offset < behind) {
            throw new TabmqError('CORRUPT_MESSAGE', 'broken', { offset, nextOffset })
          }
          const room = offset < 10 ? Math.min(maxMessages, 10 - offset) : maxMessages
          return admin.fetchMessages({ ...options, maxMessages: room })
        },
      },
    }
  }

  test('is a row of its own, and passed', async () => {
    const page = await scan(damaged(20)).page(never)
    expect(page.rows[10]).toMatchObject({ type: 'damaged', offset: 10, nextOffset: 20 })
    expect(page.rows[11]).toMatchObject({ type: 'message', offset: 20 })
    expect((await all(scan(damaged(20)))).ids).toHaveLength(991)
  })

  test('ends the partition where nobody knows what comes behind', async () => {
    const page = await scan(damaged(undefined)).page(never)
    expect(page.rows).toHaveLength(11)
    expect(page.isAtEnd).toBe(true)
  })

  test('is met from the other side too', async () => {
    const { ids } = await all(scan({ ...damaged(20), start: { type: 'newest' } }))
    expect(ids).toHaveLength(991)
    expect(ids.filter((id) => id === -1)).toHaveLength(1)
  })

  test('is told of once, where it is met from behind in several windows', async () => {
    const backward = scan({ ...damaged(700, 700), start: { type: 'newest' } })
    const stretches: (readonly [offset: number, nextOffset: number | undefined])[] = []
    for (let isAtEnd = false; !isAtEnd;) {
      const page = await backward.page(never)
      isAtEnd = page.isAtEnd
      for (const row of page.rows) {
        if (row.type === 'damaged') stretches.push([row.offset, row.nextOffset])
      }
    }
    expect(stretches.length).toBeGreaterThan(1)
    expect([stretches[0]?.[1], stretches.at(-1)?.[0]]).toEqual([700, 10])
    for (const [index, [offset]] of stretches.entries()) {
      if (index + 1 < stretches.length) expect(stretches[index + 1]?.[1]).toBe(offset)
    }
  })
})
