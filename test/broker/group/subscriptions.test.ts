import { describe, expect, it } from 'vitest'
import { keyMeansTopic, subscriptionKeys } from '../../../src/broker/group/subscription.js'
import { TopicPatterns } from '../../../src/broker/group/topic-patterns.js'
import { TopicRegistry } from '../../../src/broker/topic/topic-registry.js'
import type { TopicId, TopicName } from '../../../src/protocol/names.js'
import { thrownBy } from '../../protocol/thrown.js'
import { GroupContext } from './group-context.js'

describe('a subscription', () => {
  it('to a topic that does not exist gets it as soon as it does', () => {
    const context = new GroupContext()
    const member = context.join('a', { topics: ['later'] })
    expect(member.owned.size).toBe(0)
    context.createTopic('later', 2)
    member.beat()
    expect(context.assignment('later')).toEqual({ a: [0, 1] })
  })

  it('by a pattern gets every topic that matches, also those made later', () => {
    const context = new GroupContext()
    context.createTopic('refunds.eu')
    context.createTopic('orders')
    const member = context.join('a', { patterns: [/^REFUNDS\./i] })
    context.createTopic('refunds.us')
    context.createTopic('prerefunds.us')
    member.beat()
    const topics = context.describe().members[0]?.assigned.map(({ topic }) => topic)
    expect(topics).toEqual(['refunds.eu', 'refunds.us'])
  })

  it('matches alike every time, whatever flags its pattern has', () => {
    const context = new GroupContext()
    for (const topic of ['aa', 'ab', 'ac', 'ad']) context.createTopic(topic)
    context.join('a', { patterns: [/^a/g, /^a/y] })
    expect(context.describe().members[0]?.assigned).toHaveLength(4)
    expect(context.describe().groupEpoch).toBe(1)
  })

  it('gets partitions that are added', () => {
    const context = new GroupContext()
    context.createTopic('orders', 2)
    const [a, b] = [context.join('a'), context.join('b')]
    context.settle()
    context.addPartitions('orders', 4)
    context.settle()
    expect([a.owned.size, b.owned.size]).toEqual([2, 2])
  })

  it('loses the partitions of a topic that is deleted', () => {
    const context = new GroupContext()
    context.createTopic('orders', 2)
    context.createTopic('refunds', 2)
    const member = context.join('a', { topics: ['orders', 'refunds'] })
    context.deleteTopic('orders')
    context.settle()
    expect(context.describe()).toMatchObject({ state: 'stable', groupEpoch: 2 })
    expect([...member.owned]).toEqual(context.partitionIds('refunds'))
  })

  it('is not disturbed by topics that nobody subscribed to', () => {
    const context = new GroupContext()
    context.createTopic('orders')
    context.join('a')
    context.createTopic('refunds')
    context.deleteTopic('refunds')
    expect(context.describe().groupEpoch).toBe(1)
  })

  it('that changes while the member runs moves partitions', () => {
    const context = new GroupContext()
    context.createTopic('orders', 2)
    context.createTopic('refunds', 2)
    const a = context.join('a', { topics: ['orders'] })
    const b = context.join('b', { topics: ['orders', 'refunds'] })
    context.settle()
    a.resubscribe({ topics: ['refunds'] })
    context.settle()
    expect(new Set(a.owned)).toEqual(new Set(context.partitionIds('refunds')))
    expect(new Set(b.owned)).toEqual(new Set(context.partitionIds('orders')))
  })

  it('that is told again unchanged moves nothing', () => {
    const context = new GroupContext()
    context.createTopic('orders', 2)
    const member = context.join('a', { topics: ['orders', 'refunds'], patterns: [/x/] })
    member.resubscribe({ topics: ['refunds', 'orders'], patterns: [/x/] })
    member.beat()
    expect(context.describe().groupEpoch).toBe(1)
  })
})

describe('a pattern', () => {
  it('costs the broker no time that it does not have', () => {
    const context = new GroupContext()
    context.createTopic(`${'a'.repeat(240)}-`, 1)
    // With the engine's own matcher this would not return.
    const member = context.join('a', { patterns: [/^(a+)+$/, /^(a|a)*$/] })
    expect(member.owned.size).toBe(0)
  })

  it('that looks ahead or back is refused', () => {
    const context = new GroupContext()
    for (const pattern of [/^(?!x)/, /(?<=x)y/, /(x)\1/]) {
      const error = thrownBy(() => context.join('a', { patterns: [pattern] }))
      expect(error.code).toBe('INVALID_REGULAR_EXPRESSION')
    }
    expect(context.state.groups.describeAll()).toEqual([])
  })

  it('takes no more time altogether than there is for one subscription', () => {
    const registry = new TopicRegistry()
    const config = {
      retentionMs: null,
      retentionBytes: null,
      maxMessageBytes: 1,
      dedupWindowMs: null,
    }
    for (let index = 0; index < 1_000; index++) {
      const topic = `${'a'.repeat(200)}${index}` as TopicName
      const value = { topic, partitionIds: [], config, createdAtMs: 0 }
      registry.replay({ type: 'topic', topicId: topic as string as TopicId, value })
    }
    const patterns = new TopicPatterns(registry)
    const long = { source: '(a?b){50}', flags: '' }
    patterns.check([long])
    expect(thrownBy(() => patterns.check(Array.from({ length: 20 }, () => long))).code).toBe(
      'INVALID_REGULAR_EXPRESSION',
    )
    // What is known already costs nothing again.
    expect([...patterns.matching(long)]).toEqual([])
    patterns.check(Array.from({ length: 20 }, () => long))
  })

  it('that an older version took and this one does not, matches nothing', () => {
    const patterns = new TopicPatterns(new TopicRegistry())
    expect(patterns.matches({ source: '^(?!x)', flags: '' }, 'y' as TopicName)).toBe(false)
  })
})

describe('keys of subscriptions', () => {
  it('mean the topics that the entries mean', () => {
    const patterns = [
      { source: '^a[ .]b', flags: '' },
      { source: '^shop', flags: 'i' },
    ]
    const keys = subscriptionKeys({ topics: ['pattern' as TopicName], patterns })
    const known = new TopicPatterns(new TopicRegistry())
    const meant = (topic: string) =>
      keys.map((key) => keyMeansTopic(key, topic as TopicName, known)).indexOf(true)
    expect(['pattern', 'a.b.c', 'SHOP', 'other'].map(meant)).toEqual([0, 1, 2, -1])
  })
})
