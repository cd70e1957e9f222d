/** What stores have at the end, each time with one thing that must not be, or none. */
import { expect, test } from 'vitest'
import { assembleBatch } from '../../src/codec/batch.js'
import { encodeChunks } from '../../src/codec/chunk.js'
import { structuredCodec } from '../../src/codec/structured-codec.js'
import type { PartitionId, TopicId, TopicName } from '../../src/protocol/names.js'
import { DurableLog } from '../sim/durable-log.js'
import { AnswersChecker } from './checkers/answers-checker.js'
import { StoresChecker, type StoresAtEnd } from './checkers/stores-checker.js'
import { answerTo, COUNTED_TOPIC, JOBS_TOPIC } from './plan.js'

const GOOD = 1
const POISON = 12

/** Two messages that are counted; a good job, and a poison one behind it. */
function anomalies(stores: Partial<StoresAtEnd>): readonly string[] {
  const found: string[] = []
  const all = { counts: [[`${COUNTED_TOPIC}/0`, { count: 2, offset: 1 }]], done: ['0@0'] } as const
  const checker = new StoresChecker((message) => found.push(message), log(), { ...all, ...stores })
  checker.on({ type: 'rest', atMs: 2, illness: [] })
  return found
}

function log(): DurableLog {
  const stored = new DurableLog()
  const config = {
    retentionMs: null,
    retentionBytes: null,
    maxMessageBytes: 1,
    dedupWindowMs: null,
  }
  const records = [COUNTED_TOPIC, JOBS_TOPIC].flatMap((name, index) => {
    const partitionId = (index + 1) as PartitionId
    const topic = name as TopicName
    const value = { topic, partitionIds: [partitionId], config, createdAtMs: 0 }
    return [
      { type: 'topic' as const, topicId: name as TopicId, value },
      { type: 'batch' as const, partitionId, baseOffset: 0, batch: batchOf([GOOD, POISON]) },
    ]
  })
  stored.apply({ durability: 'strict', records }, () => {})
  return stored
}

function batchOf(ids: readonly number[]): ArrayBuffer {
  const records = ids.map((id) => ({
    keyBytes: undefined,
    keyIsString: false,
    value: { id },
    headers: undefined,
    timestampMs: 1_000,
  }))
  const limits = { maxMessageBytes: 1e6, chunkBytesMax: 1e6 }
  const chunks = encodeChunks({ codec: structuredCodec, records, ...limits })
  return assembleBatch({ chunks, codecId: structuredCodec.id })
}

const counted = (place: string, count: number, offset: number) =>
  [place, { count, offset }] as const

test('stores that agree with the logs have no anomaly', () => {
  expect(anomalies({})).toEqual([])
})

test.each<[string, Partial<StoresAtEnd>, string]>([
  ['counted twice', { counts: [counted('orders/0', 3, 1)] }, '3 are counted, up to 1, of 2'],
  ['not counted', { counts: [counted('orders/0', 1, 0)] }, '1 are counted, up to 0, of 2'],
  ['counted nowhere', { counts: [] }, '0 are counted'],
  [
    'counted of nothing',
    { counts: [counted('orders/0', 2, 1), counted('orders/7', 1, 0)] },
    'orders/7 was counted',
  ],
  ['a job without an entry', { done: [] }, 'job 1 at 0@0 is not in the store'],
  ['a poison job with one', { done: ['0@0', '0@1'] }, 'job 12 at 0@1 is in the store'],
  ['an entry of no job', { done: ['0@0', '0@2'] }, '0@2 is in the store, and is no job'],
])('%s', (_, stores, message) => {
  expect(anomalies(stores)).toEqual([expect.stringContaining(message)])
})

test('an answer to something else is an anomaly', () => {
  const found: string[] = []
  const checker = new AnswersChecker((message) => found.push(message))
  checker.on({ type: 'answered', tab: 't', atMs: 1, id: 3, answer: answerTo(3) })
  expect(found).toEqual([])
  checker.on({ type: 'answered', tab: 't', atMs: 1, id: 3, answer: answerTo(4) })
  expect(found).toEqual(['t: request 3 was answered 8'])
})
