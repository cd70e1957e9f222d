/** What is said of jobs, each story with one thing that must not be, or none. */
import { expect, test } from 'vitest'
import { assembleBatch } from '../../src/codec/batch.js'
import { encodeChunks } from '../../src/codec/chunk.js'
import { structuredCodec } from '../../src/codec/structured-codec.js'
import type { PartitionId, TopicId, TopicName } from '../../src/protocol/names.js'
import { DurableLog } from '../sim/durable-log.js'
import { JobsChecker } from './checkers/jobs-checker.js'
import { isPoison, JOBS_TOPIC, JOBS_TOPIC_OF_DEAD } from './plan.js'
import type { JobEvent } from './record.js'

const GOOD = 1
const POISON = 12
const JOBS = 1 as PartitionId
const DEAD = 2 as PartitionId

type Said = readonly [type: JobEvent['type'], offset: number]

/** A good job at 0, a poison one at 1. */
function anomalies(said: readonly Said[], deadOffsets: readonly number[]): readonly string[] {
  const found: string[] = []
  const checker = new JobsChecker((message) => found.push(message), logOf(deadOffsets))
  for (const [type, offset] of said) {
    const place = { topic: JOBS_TOPIC, partition: 0 }
    const id = offset === 0 ? GOOD : POISON
    checker.on({ type, tab: 't', atMs: 1, consumer: 'c', place, offset, id, deliveryCount: 1 })
  }
  checker.on({ type: 'rest', atMs: 2, illness: [] })
  return found
}

function logOf(deadOffsets: readonly number[]): DurableLog {
  const log = new DurableLog()
  const config = {
    retentionMs: null,
    retentionBytes: null,
    maxMessageBytes: 1,
    dedupWindowMs: null,
  }
  const topics = [
    { topic: JOBS_TOPIC as TopicName, partitionIds: [JOBS], config, createdAtMs: 0 },
    { topic: JOBS_TOPIC_OF_DEAD as TopicName, partitionIds: [DEAD], config, createdAtMs: 0 },
  ]
  const letters = deadOffsets.map((offset) => ({ id: offset === 0 ? GOOD : POISON, offset }))
  log.apply(
    {
      durability: 'strict',
      records: [
        ...topics.map((value) => {
          return { type: 'topic' as const, topicId: value.topic as string as TopicId, value }
        }),
        { type: 'batch', partitionId: JOBS, baseOffset: 0, batch: batchOf([GOOD, POISON], {}) },
        ...letters.map(({ id, offset }, baseOffset) => ({
          type: 'batch' as const,
          partitionId: DEAD,
          baseOffset,
          batch: batchOf([id], diedAt(offset)),
        })),
      ],
    },
    (message) => {
      throw new Error(message)
    },
  )
  return log
}

function diedAt(offset: number): Readonly<Record<string, string>> {
  return {
    'dead-letter-topic': JOBS_TOPIC,
    'dead-letter-partition': '0',
    'dead-letter-offset': String(offset),
  }
}

function batchOf(ids: readonly number[], headers: Readonly<Record<string, string>>): ArrayBuffer {
  const chunks = encodeChunks({
    codec: structuredCodec,
    records: ids.map((id) => ({
      keyBytes: undefined,
      keyIsString: false,
      value: { id },
      headers,
      timestampMs: 1_000,
    })),
    maxMessageBytes: 1e6,
    chunkBytesMax: 1e6,
  })
  return assembleBatch({ chunks, codecId: structuredCodec.id })
}

const DONE: readonly Said[] = [
  ['jobDone', 0],
  ['jobAccepted', 0],
]

test('a good job that is done and a poison one that is dead are no anomaly', () => {
  expect([isPoison(GOOD), isPoison(POISON)]).toEqual([false, true])
  expect(anomalies([...DONE, ['jobRejected', 1]], [1])).toEqual([])
  // Whoever did it first died before it was accepted; of the rejection nobody heard.
  expect(anomalies([['jobDone', 0], ...DONE], [1])).toEqual([])
})

test.each<[string, readonly Said[], readonly number[], string]>([
  ['that nobody has done', [['jobAccepted', 0]], [1], 'was never done'],
  ['accepted twice', [...DONE, ['jobAccepted', 0]], [1], 'was accepted 2 times'],
  ['dead, and no poison', DONE, [0, 1], 'has 1 dead letters, not 0'],
  ['that is poison, and not dead', DONE, [], 'has 0 dead letters, not 1'],
  ['dead twice', DONE, [1, 1], 'has 2 dead letters, not 1'],
  ['dead that was never there', DONE, [1, 7], 'which is no job'],
])('a job %s is one', (_, said, dead, message) => {
  expect(anomalies(said, dead).join('\n')).toContain(message)
})
