/** A file of all that matches, from the broker in memory. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { exportMatching, type ExportProgress } from '../../src/console/messages/export-matching.js'
import { toFilter } from '../../src/console/filter/filter.js'
import { fromJsonText } from '../../src/console/format/json-text.js'
import { memoryBroker } from '../../src/testing/index.js'

const broker = memoryBroker()
const mq = broker.client()
const admin = mq.admin()
const MESSAGES = 12_000

beforeAll(async () => {
  await admin.createTopics({ topics: [{ topic: 'orders', numPartitions: 3 }] })
  const producer = mq.producer()
  for (let from = 0; from < MESSAGES; from += 1_000) {
    await producer.send({
      topic: 'orders',
      messages: Array.from({ length: 1_000 }, (_, at) => ({
        key: `k${from + at}`,
        value: new Map([['id', from + at]]),
        partition: (from + at) % 3,
      })),
    })
  }
})
afterAll(() => broker.close())

const whole = {
  admin,
  topic: 'orders',
  partitions: [0, 1, 2],
  accepts: () => true,
  start: { type: 'newest' as const },
}

interface Line {
  readonly partition: number
  readonly offset: number
  readonly key: string
  readonly value: ReadonlyMap<string, number>
}

async function linesOf(parts: readonly Blob[]): Promise<Line[]> {
  const lines = (await new Blob([...parts]).text()).trimEnd().split('\n')
  return lines.map((line) => fromJsonText(line) as Line)
}

test('has every message, and each partition in its order', async () => {
  const seen: ExportProgress[] = []
  const { parts, count, damaged } = await exportMatching({
    ...whole,
    signal: new AbortController().signal,
    onProgress: (progress) => seen.push(progress),
  })
  expect({ count, damaged }).toEqual({ count: MESSAGES, damaged: 0 })
  expect(seen.length).toBeGreaterThan(1)
  expect(seen.at(-1)).toEqual({ written: MESSAGES, looked: MESSAGES })
  const lines = await linesOf(parts)
  for (const partition of whole.partitions) {
    const own = lines.filter((line) => line.partition === partition)
    expect(own.map(({ offset }) => offset)).toEqual(own.map((_, offset) => offset))
    expect(own.map(({ value }) => value.get('id'))).toEqual(own.map((_, at) => 3 * at + partition))
  }
})

test('has only what matches, from a place on', async () => {
  const { parts, count } = await exportMatching({
    ...whole,
    partitions: [1],
    start: { type: 'offset', offset: 3_990 },
    accepts: toFilter('key != "k11980"'),
    signal: new AbortController().signal,
    onProgress: () => {},
  })
  expect(count).toBe(9)
  expect((await linesOf(parts)).map(({ key }) => key)).not.toContain('k11980')
})

test('stops when it is told to', async () => {
  const control = new AbortController()
  const { count } = await exportMatching({
    ...whole,
    signal: control.signal,
    onProgress: () => control.abort(),
  })
  expect(count).toBeGreaterThan(0)
  expect(count).toBeLessThan(MESSAGES)
})
