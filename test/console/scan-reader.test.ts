/** What a view has of a scan: its rows, how far it has come, and what becomes of an error. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Reading } from '../../src/console/messages/reading.js'
import { ScanReader } from '../../src/console/messages/scan-reader.js'
import { memoryBroker } from '../../src/testing/index.js'

const broker = memoryBroker()
const mq = broker.client()
const admin = mq.admin()
const MESSAGES = 12_000
const everything = {
  admin,
  topic: 'orders',
  partitions: [0, 1],
  start: { type: 'oldest' as const },
  accepts: () => true,
}

beforeAll(async () => {
  await admin.createTopics({ topics: [{ topic: 'orders', numPartitions: 2 }] })
  const messages = Array.from({ length: MESSAGES }, (_, value) => ({ value, partition: value % 2 }))
  await mq.producer().send({ topic: 'orders', messages })
})
afterAll(() => broker.close())

test('tells how far it has come while it looks, and of how many', async () => {
  const reader = new ScanReader()
  const seen: Reading[] = []
  reader.onChange(() => seen.push(reader.state as Reading))
  await reader.read({ ...everything, accepts: () => false })
  const [begun, first] = seen
  expect(begun).toMatchObject({ isBusy: true, total: 0 })
  expect(first).toMatchObject({ isBusy: true, looked: 4_000, total: MESSAGES })
  expect(seen.at(-1)).toMatchObject({ isBusy: false, isAtEnd: true, looked: MESSAGES, rows: [] })
})

test('keeps what it has when reading fails, and goes on there', async () => {
  const reader = new ScanReader()
  let isBroken = false
  const breaking = {
    fetchTopicOffsets: (topic: string) => admin.fetchTopicOffsets(topic),
    fetchTopicOffsetsByTimestamp: (topic: string, at: number) =>
      admin.fetchTopicOffsetsByTimestamp(topic, at),
    fetchMessages: (options: Parameters<typeof admin.fetchMessages>[0]) =>
      isBroken ? Promise.reject(new Error('not now')) : admin.fetchMessages(options),
  }
  await reader.read({ ...everything, admin: breaking })
  expect(reader.state?.rows).toHaveLength(200)
  isBroken = true
  await reader.more()
  const failed = reader.state
  expect(failed).toMatchObject({ isBusy: false, isAtEnd: false, error: new Error('not now') })
  isBroken = false
  while (reader.state?.isFull === false && !reader.state.isAtEnd) await reader.more()
  const rows = reader.state?.rows ?? []
  expect(rows.length).toBeGreaterThan(failed?.rows.length ?? 0)
  for (const partition of [0, 1]) {
    const offsets = rows.filter((row) => row.partition === partition).map(({ offset }) => offset)
    expect(offsets).toEqual(offsets.map((_, index) => index))
  }
})

test('says what there is when there is nothing from there on', async () => {
  const reader = new ScanReader()
  await reader.read({ ...everything, start: { type: 'offset', offset: 9_000 } })
  expect(reader.state).toMatchObject({
    isAtEnd: true,
    looked: 0,
    ranges: [
      { partition: 0, low: 0, high: 6_000 },
      { partition: 1, low: 0, high: 6_000 },
    ],
  })
})

test('a stopped scan goes on where it was', async () => {
  const reader = new ScanReader()
  const reading = reader.read(everything)
  reader.stop()
  await reading
  expect(reader.state).toMatchObject({ isBusy: false, isAtEnd: false })
  const before = reader.state?.rows.length ?? 0
  await reader.more()
  expect(reader.state?.rows).toHaveLength(before + 200)
})
