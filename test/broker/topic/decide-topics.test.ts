import { describe, expect, it } from 'vitest'
import type { TopicRow } from '../../../src/broker/rows.js'
import type { TopicsState } from '../../../src/broker/topic/decide-topics.js'
import {
  decideAlterConfigs,
  decideCreatePartitions,
  decideCreateTopics,
  decideDeleteTopics,
} from '../../../src/broker/topic/decide-topics.js'
import { topicMetadata } from '../../../src/broker/topic/topic-registry.js'
import { hasCode, type ErrorCode } from '../../../src/protocol/errors.js'
import { TOPIC_DEFAULTS } from '../../../src/protocol/limits.js'
import type { PartitionId, TopicName } from '../../../src/protocol/names.js'
import type { TopicConfig } from '../../../src/protocol/requests/topics.js'
import { defaultTopicConfig } from '../../../src/protocol/topic-config.js'
import { StateContext } from '../state-context.js'

const name = (topic: string) => topic as TopicName
const wish = (topic: string, numPartitions = 1, config: Partial<TopicConfig> = {}) => ({
  topic: name(topic),
  numPartitions,
  config,
})

class TopicsContext extends StateContext {
  create(topics: ReturnType<typeof wish>[], flags: Partial<Record<Flag, boolean>> = {}) {
    const request = { topics, ifNotExists: false, validateOnly: false, ...flags }
    return this.apply(decideCreateTopics(this.state, request, this))
  }

  delete(...topics: string[]) {
    return this.apply(decideDeleteTopics(this.state, { topics: topics.map(name) }))
  }

  addTo(topic: string, count: number) {
    return this.apply(decideCreatePartitions(this.state, { topic: name(topic), count }))
  }

  names(): string[] {
    return this.state.topics.all().map(({ topic }) => topic)
  }

  /** What a decision is refused with; that it changed nothing is checked. */
  refusal(decide: (state: TopicsState) => unknown): ErrorCode | undefined {
    const before = JSON.stringify(this.state.topics.all())
    try {
      decide(this.state)
      return undefined
    } catch (error) {
      if (hasCode(error, ...CODES)) return error.code
      throw error
    } finally {
      expect(JSON.stringify(this.state.topics.all())).toBe(before)
    }
  }
}

type Flag = 'ifNotExists' | 'validateOnly'
const CODES: ErrorCode[] = [
  'INVALID_PARTITIONS',
  'INVALID_REQUEST',
  'POLICY_VIOLATION',
  'TOPIC_ALREADY_EXISTS',
  'UNKNOWN_TOPIC_OR_PARTITION',
]

describe('creating topics', () => {
  it('gives each its partitions and the defaults that it does not change', () => {
    const context = new TopicsContext()
    const { created } = context.create([wish('b', 2), wish('a', 1, { retentionBytes: 7 })])
    expect(created).toEqual(['b', 'a'])
    const { numPartitions, ...defaults } = TOPIC_DEFAULTS
    expect(numPartitions).toBe(1)
    expect(context.state.topics.all().map(topicMetadata)).toEqual([
      {
        topic: 'a',
        topicId: 'id-2',
        partitionIds: [3],
        config: { ...defaults, retentionBytes: 7 },
        createdAtMs: context.nowMs,
      },
      {
        topic: 'b',
        topicId: 'id-1',
        partitionIds: [1, 2],
        config: defaults,
        createdAtMs: context.nowMs,
      },
    ])
    expect(context.log(2 as PartitionId)).toMatchObject({ topicId: 'id-1', partition: 1 })
  })

  it('is done whole or not at all', () => {
    const context = new TopicsContext({ partitionsPerTopicMax: 10, topicsMax: 3 })
    context.create([wish('there')])
    const create = (...topics: ReturnType<typeof wish>[]) =>
      context.refusal(() => context.create(topics))
    expect(create(wish('new'), wish('there'))).toBe('TOPIC_ALREADY_EXISTS')
    expect(create(wish('new'), wish('new'))).toBe('INVALID_REQUEST')
    expect(create(wish('new'), wish('none', 0))).toBe('INVALID_PARTITIONS')
    expect(create(wish('new'), wish('many', 11))).toBe('INVALID_PARTITIONS')
    expect(create(wish('b'), wish('c'), wish('d'))).toBe('POLICY_VIOLATION')
    expect(context.names()).toEqual(['there'])
    expect(context.create([wish('b', 10), wish('c')]).created).toEqual(['b', 'c'])
  })

  it('passes over those that exist when asked to', () => {
    const context = new TopicsContext()
    context.create([wish('there', 3)])
    const { created } = context.create([wish('there', 5), wish('new')], { ifNotExists: true })
    expect(created).toEqual(['new'])
    expect(context.partitionIds('there')).toHaveLength(3)
    expect(context.create([wish('there')], { ifNotExists: true }).created).toEqual([])
  })

  it('only checks when asked to', () => {
    const context = new TopicsContext()
    const flags = { validateOnly: true }
    expect(context.create([wish('new')], flags).created).toEqual(['new'])
    expect(context.names()).toEqual([])
    expect(context.refusal(() => context.create([wish('new', 0)], flags))).toBe(
      'INVALID_PARTITIONS',
    )
  })
})

describe('deleting topics', () => {
  it('takes the partitions with it', () => {
    const context = new TopicsContext()
    context.create([wish('a', 2), wish('b')])
    expect(context.delete('a').map(({ topic }) => topic)).toEqual(['a'])
    expect(context.names()).toEqual(['b'])
    expect([...context.state.logs.all()].map((log) => log.partitionId)).toEqual([3])
  })

  it('is done whole or not at all', () => {
    const context = new TopicsContext()
    context.create([wish('a')])
    expect(context.refusal(() => context.delete('a', 'b'))).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    context.delete('a', 'a')
    expect(context.names()).toEqual([])
  })

  it('leaves nothing stored that names one of its partitions', () => {
    const context = new TopicsContext()
    const log = context.createLog('a')
    context.append(log, { producer: { id: 1, sequence: 0 } })
    context.append(log, { producer: { id: 2, sequence: 0 } })
    const { partitionId } = log
    const { records } = decideDeleteTopics(context.state, { topics: [name('a')] })
    expect(records).toContainEqual({ type: 'partition', partitionId, value: null })
    for (const producerId of [1, 2]) {
      expect(records).toContainEqual({ type: 'producer', partitionId, producerId, value: null })
    }
    expect(records).toContainEqual({
      type: 'batchesDeleted',
      partitionId,
      beforeOffset: Number.MAX_SAFE_INTEGER,
    })
  })

  it('gives no id to another afterwards', () => {
    const context = new TopicsContext()
    context.create([wish('a', 2)])
    const before = context.state.topics.findOrThrow(name('a'))
    context.delete('a')
    context.create([wish('a', 2)])
    const after = context.state.topics.findOrThrow(name('a'))
    expect(after.topicId).not.toBe(before.topicId)
    expect(after.partitionIds).toEqual([3, 4])
  })
})

describe('adding partitions', () => {
  it('keeps those that were there', () => {
    const context = new TopicsContext()
    context.create([wish('a', 2), wish('b')])
    context.addTo('a', 4)
    expect(context.partitionIds('a')).toEqual([1, 2, 4, 5])
    expect(context.log(5 as PartitionId).partition).toBe(3)
    context.create([wish('c')])
    expect(context.partitionIds('c')).toEqual([6])
  })

  it('neither takes any away nor passes the limit', () => {
    const context = new TopicsContext({ partitionsPerTopicMax: 4 })
    context.create([wish('a', 3)])
    for (const count of [0, 2, 3, 5]) {
      expect(context.refusal(() => context.addTo('a', count))).toBe('INVALID_PARTITIONS')
    }
    expect(context.refusal(() => context.addTo('b', 4))).toBe('UNKNOWN_TOPIC_OR_PARTITION')
  })
})

describe('changing a config', () => {
  it('changes what it names and nothing else', () => {
    const context = new TopicsContext()
    context.create([wish('a', 2, { retentionBytes: 5 })])
    const before = context.state.topics.findOrThrow(name('a'))
    const request = { topic: name('a'), config: { retentionMs: null } }
    context.apply(decideAlterConfigs(context.state, request))
    expect(context.state.topics.findOrThrow(name('a'))).toEqual({
      ...before,
      config: { ...before.config, retentionMs: null },
    })
  })

  it('needs the topic', () => {
    const context = new TopicsContext()
    const request = { topic: name('a'), config: {} }
    const refusal = context.refusal(() => decideAlterConfigs(context.state, request))
    expect(refusal).toBe('UNKNOWN_TOPIC_OR_PARTITION')
  })
})

describe('topic registry', () => {
  it('reads a row of before there was an entry of the config as if it had the default', () => {
    const { state } = new TopicsContext()
    const { dedupWindowMs: _, ...config } = { ...defaultTopicConfig(), retentionMs: 5 }
    const value = { topic: name('a'), partitionIds: [], config, createdAtMs: 0 } as unknown
    state.topics.replay({ type: 'topic', topicId: 'a' as never, value: value as TopicRow })
    expect(state.topics.find(name('a'))?.config).toEqual({ ...config, dedupWindowMs: null })
  })

  it('finds its invariants broken when two topics share a partition', () => {
    const { state } = new TopicsContext()
    const config = defaultTopicConfig()
    const partitionIds = [1 as PartitionId]
    state.topics.replay({ type: 'nextPartitionId', value: 2 })
    for (const topic of ['a', 'b']) {
      const value = { topic: name(topic), partitionIds, config, createdAtMs: 0 }
      state.topics.replay({ type: 'topic', topicId: topic as never, value })
    }
    expect(() => state.topics.checkInvariants()).toThrow('partition 1 belongs to two topics')
  })
})
