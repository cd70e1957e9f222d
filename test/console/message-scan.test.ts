/** How the message browser looks through a topic, on the broker in memory. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  MessageScan,
  PAGE_LIMITS,
  type Row,
  type ScanOptions,
} from '../../src/console/messages/message-scan.js'
import { toFilter } from '../../src/console/filter/filter.js'
import { TabmqError } from '../../src/index.js'
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

describe('a batch that cannot be read', () => {
  function damaged(nextOffset: number | undefined): Partial<ScanOptions> {
    return {
      partitions: [0],
      admin: {
        fetchTopicOffsets: (topic) => admin.fetchTopicOffsets(topic),
        fetchTopicOffsetsByTimestamp: (topic, at) => admin.fetchTopicOffsetsByTimestamp(topic, at),
        fetchMessages: async (options) => {
          const { offset = 0, maxMessages = 100 } = options
          if (offset >= 10 && offset < 20) {
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
})
