/**
 * The shapes of the public API: what compiles, what must not, and what comes back. The type checker
 * does the work; that the file is run as well only shows that it loads.
 */
import { expectTypeOf, test } from 'vitest'
import * as api from '../../src/index.js'
import {
  keyPartition,
  Tabmq,
  TabmqError,
  type Admin,
  type ClusterState,
  type Codec,
  type Consumer,
  type ConsumerEvents,
  type Delivery,
  type ErrorCode,
  type GroupDescription,
  type Headers,
  type Message,
  type Partitioner,
  type Producer,
  type ReceivedMessage,
  type RecordMetadata,
  type TopicConfig,
  type TopicPartition,
  type TopicPartitionOffset,
} from '../../src/index.js'
import { memoryBroker, type MemoryBroker } from '../../src/testing/index.js'

/** Never called: what is inside has to compile, not to run. */
function compiles(_code: (...args: never[]) => unknown): void {}

declare const bill: (value: unknown, signal: AbortSignal) => Promise<void>

test('the example of the design compiles as it stands', () => {
  compiles(async () => {
    const mq = new Tabmq({ name: 'shop' })
    await mq.admin().createTopics({ topics: [{ topic: 'orders', numPartitions: 6 }] })

    const producer = mq.producer()
    const sent = await producer.send({
      topic: 'orders',
      messages: [{ key: 'user-7', value: { id: 1, total: 9.5 } }],
    })
    expectTypeOf(sent).toEqualTypeOf<RecordMetadata[]>()
    expectTypeOf(sent[0]).toExtend<
      { topic: string; partition: number; baseOffset: number; timestamp: number } | undefined
    >()

    const consumer = mq.consumer({ groupId: 'billing', sessionTimeoutMs: 10_000 })
    await consumer.subscribe({ topics: ['orders', /^refunds\./], fromBeginning: true })
    await consumer.run({
      eachMessage: async ({ topic, partition, message, signal, pause }) => {
        expectTypeOf(topic).toEqualTypeOf<string>()
        expectTypeOf(partition).toEqualTypeOf<number>()
        expectTypeOf(message).toEqualTypeOf<ReceivedMessage>()
        const resume = pause()
        resume()
        await bill(message.value, signal)
      },
    })
    const { signal } = new AbortController()
    for await (const { topic, partition, message } of consumer.messages({ signal })) {
      console.log(topic, partition, message.offset)
    }

    consumer.seek({ topic: 'orders', partition: 0, offset: 5 })
    consumer.pause([{ topic: 'orders', partitions: [0] }])
    consumer.resume([{ topic: 'orders' }])
    expectTypeOf(consumer.paused()).toExtend<readonly { topic: string }[]>()
    await consumer.commitOffsets([{ topic: 'orders', partition: 0, offset: 5 }])
    await consumer.assign([{ topic: 'orders', partition: 0 }])
    await consumer.stop()
    await consumer.disconnect()
  })
})

test('a worker of one’s own is a URL, a string or a function', () => {
  compiles(() => [
    new Tabmq({ worker: new URL('./my-broker.js', 'https://example.org') }),
    new Tabmq({ worker: '/my-broker.js' }),
    new Tabmq({ worker: () => new SharedWorker('/my-broker.js', { type: 'module' }) }),
    // @ts-expect-error -- a Worker belongs to one tab only
    new Tabmq({ worker: () => new Worker('/my-broker.js') }),
  ])
})

test('everything that is open can be disposed of', () => {
  compiles(async () => {
    await using mq = new Tabmq()
    await using producer = mq.producer()
    await using consumer = mq.consumer()
    await using broker = memoryBroker()
    return [producer, consumer, broker]
  })
  expectTypeOf<Tabmq | Producer | Consumer | MemoryBroker>().toExtend<AsyncDisposable>()
})

test('messages: any value, keys of text or bytes, and nothing misspelt', () => {
  compiles((producer: Producer) => {
    const messages: Message[] = [
      { value: null },
      { key: null, value: new Map() },
      { key: 'a', value: 1n, timestamp: Date.now(), partition: 3 },
      { key: new Uint8Array(), value: new Date(), headers: { a: 'x', b: ['y', new Uint8Array()] } },
    ]
    void producer.send({ topic: 'orders', messages, acks: -1, compression: 'gzip' })
    void producer.sendBatch({ topicMessages: [{ topic: 'orders', messages }], acks: 0 })
    const queued: Message[] = [
      { value: 1, deliverAt: new Date(), expiresAt: Date.now() + 1, priority: 9, messageId: 'a' },
      { value: 1, delayMs: 5, ttlMs: 5 },
    ]
    void producer.send({ topic: 'orders', messages: queued })
    // @ts-expect-error -- a priority is a number
    void producer.send({ topic: 'orders', messages: [{ value: 1, priority: 'high' }] })
    // @ts-expect-error -- a message without a value; null is a tombstone
    void producer.send({ topic: 'orders', messages: [{ key: 'a' }] })
    // @ts-expect-error -- a key that is a number
    void producer.send({ topic: 'orders', messages: [{ key: 5, value: 1 }] })
    // @ts-expect-error -- KafkaJS' acks are numbers
    void producer.send({ topic: 'orders', messages, acks: 'all' })
    // @ts-expect-error -- misspelt
    void producer.send({ topic: 'orders', messages, ack: 0 })
    // @ts-expect-error -- a header that is a number
    void producer.send({ topic: 'orders', messages: [{ value: 1, headers: { a: 1 } }] })
  })
  expectTypeOf<Parameters<Producer['send']>[0]['messages']>().toEqualTypeOf<readonly Message[]>()
})

test('options are known by name', () => {
  compiles((mq: Tabmq) => {
    mq.producer({
      acks: 1,
      lingerMs: 5,
      batchSize: 1_000,
      partitioner: ({ key, numPartitions }) => (key ? keyPartition(key, numPartitions) : 0),
      enableIdempotence: false,
      compression: 'gzip',
      codec: 'json',
      deliveryTimeoutMs: 1_000,
      bufferMemoryBytes: 1_000,
    })
    mq.consumer({
      groupId: 'g',
      groupInstanceId: 'left',
      sessionTimeoutMs: 1_000,
      rebalanceTimeoutMs: 1_000,
      maxPollIntervalMs: 1_000,
      assignor: 'sticky',
      autoOffsetReset: 'none',
      maxBytes: 1,
      maxBytesPerPartition: 1,
      minBytes: 1,
      maxWaitMs: 1,
    })
    // @ts-expect-error -- misspelt
    mq.producer({ lingerMS: 5 })
    // @ts-expect-error -- no such assignor
    mq.consumer({ assignor: 'random' })
    // @ts-expect-error -- no such reset policy
    mq.consumer({ autoOffsetReset: 'beginning' })
  })
})

test('handlers may be synchronous or not, of messages or batches', () => {
  compiles((consumer: Consumer) => {
    void consumer.run({ eachMessage: () => {} })
    void consumer.run({ eachMessage: async () => {} })
    void consumer.run({
      eachBatchAutoResolve: false,
      autoCommit: true,
      autoCommitInterval: 5_000,
      autoCommitThreshold: 100,
      partitionsConsumedConcurrently: 3,
      eachBatch: async ({
        batch,
        signal,
        resolveOffset,
        heartbeat,
        commitOffsetsIfNecessary,
        uncommittedOffsets,
        isRunning,
        isStale,
        pause,
      }) => {
        expectTypeOf(batch.messages).toEqualTypeOf<readonly ReceivedMessage[]>()
        expectTypeOf(batch.firstOffset()).toEqualTypeOf<number | undefined>()
        expectTypeOf(uncommittedOffsets()).toEqualTypeOf<TopicPartitionOffset[]>()
        expectTypeOf(isRunning() && isStale() && signal.aborted).toEqualTypeOf<boolean>()
        resolveOffset(5)
        await heartbeat()
        await commitOffsetsIfNecessary()
        pause()()
      },
    })
    expectTypeOf(consumer.messages()).toEqualTypeOf<AsyncGenerator<Delivery, void, undefined>>()
    consumer.messages({ autoCommit: false })
    // @ts-expect-error -- a loop has no handler
    consumer.messages({ eachMessage: () => {} })
    // @ts-expect-error -- and gets one message at a time
    consumer.messages({ partitionsConsumedConcurrently: 3 })
  })
  expectTypeOf<ReceivedMessage['value']>().toEqualTypeOf<unknown>()
  expectTypeOf<ReceivedMessage['key']>().toEqualTypeOf<string | Uint8Array | null>()
  expectTypeOf<ReceivedMessage['offset']>().toEqualTypeOf<number>()
  expectTypeOf<ReceivedMessage['headers']>().toEqualTypeOf<Headers>()
})

test('a value is unknown until somebody looks: it came from another tab, maybe another version', () => {
  compiles(({ value }: ReceivedMessage) => {
    // @ts-expect-error -- unknown has no total
    return value.total as number
  })
})

test('each event has its own payload', () => {
  expectTypeOf<keyof ConsumerEvents>().toEqualTypeOf<
    | 'partitionsAssigned'
    | 'partitionsRevoked'
    | 'partitionsLost'
    | 'groupJoin'
    | 'rebalancing'
    | 'heartbeat'
    | 'commitOffsets'
    | 'crash'
    | 'stop'
  >()
  compiles((consumer: Consumer) => {
    const stop = consumer.on('partitionsRevoked', async ({ groupId, partitions }) => {
      expectTypeOf(groupId).toEqualTypeOf<string>()
      expectTypeOf(partitions).toEqualTypeOf<readonly TopicPartition[]>()
    })
    expectTypeOf(stop).toEqualTypeOf<() => void>()
    consumer.on('crash', ({ error, willRetry, topic, offset }) => {
      expectTypeOf(error).toEqualTypeOf<unknown>()
      expectTypeOf(willRetry).toEqualTypeOf<boolean>()
      expectTypeOf(topic).toEqualTypeOf<string | undefined>()
      expectTypeOf(offset).toEqualTypeOf<number | undefined>()
    })
    // @ts-expect-error -- no such event
    consumer.on('rebalanced', () => {})
  })
})

test('the administrator has what the design lists, and returns plain data', () => {
  expectTypeOf<Admin>().toHaveProperty('listTopics')
  expectTypeOf<keyof Admin>().toEqualTypeOf<
    | 'listTopics'
    | 'createTopics'
    | 'deleteTopics'
    | 'createPartitions'
    | 'fetchTopicMetadata'
    | 'fetchTopicOffsets'
    | 'fetchTopicOffsetsByTimestamp'
    | 'fetchMessages'
    | 'fetchOffsets'
    | 'setOffsets'
    | 'resetOffsets'
    | 'listGroups'
    | 'describeGroups'
    | 'describeShareGroups'
    | 'redrive'
    | 'deleteGroups'
    | 'deleteTopicRecords'
    | 'describeConfigs'
    | 'alterConfigs'
    | 'declareExchange'
    | 'deleteExchange'
    | 'listExchanges'
    | 'bind'
    | 'unbind'
    | 'describeCluster'
    | 'listStores'
    | 'watch'
  >()
  expectTypeOf<Admin['watch']>().returns.toEqualTypeOf<
    AsyncGenerator<ClusterState, void, undefined>
  >()
  expectTypeOf<Admin['describeGroups']>().returns.resolves.toEqualTypeOf<GroupDescription[]>()
  expectTypeOf<Admin['createTopics']>().returns.resolves.toEqualTypeOf<string[]>()
  compiles((admin: Admin) => {
    // Names come in as plain strings, and those that come out can go in again.
    void admin
      .listGroups()
      .then((groups) => admin.describeGroups(groups.map(({ groupId }) => groupId)))
    // @ts-expect-error -- misspelt
    void admin.createTopics({ topics: [{ topic: 'a', partitions: 6 }] })
    // @ts-expect-error -- no such config
    void admin.alterConfigs({ topics: [{ topic: 'a', config: { retention: 5 } }] })
  })
  expectTypeOf<TopicConfig>().toEqualTypeOf<{
    readonly retentionMs: number | null
    readonly retentionBytes: number | null
    readonly maxMessageBytes: number
    readonly dedupWindowMs: number | null
  }>()
})

test('errors are told apart by code', () => {
  compiles((error: unknown) => {
    if (!(error instanceof TabmqError)) return
    expectTypeOf(error.code).toEqualTypeOf<ErrorCode>()
    expectTypeOf(error.retriable).toEqualTypeOf<boolean>()
    if (error.code === 'UNKNOWN_TOPIC_OR_PARTITION') console.log(error.details['topic'])
    // @ts-expect-error -- no such code
    if (error.code === 'UNKNOWN_TOPIC') console.log('never')
  })
})

test('what a user writes themselves has a type', () => {
  const byLength: Partitioner = ({ key, numPartitions }) => (key?.length ?? 0) % numPartitions
  const codec: Codec = {
    id: 16,
    name: 'upper',
    encode: (value) => new TextEncoder().encode(String(value)),
    decode: (bytes) => new TextDecoder().decode(bytes),
  }
  compiles(() => new Tabmq({ codecs: [codec] }).producer({ codec, partitioner: byLength }))
})

test('nothing else is exported', ({ expect }) => {
  expect(Object.keys(api).sort((a, b) => (a < b ? -1 : 1))).toEqual(
    ['keyPartition', 'Tabmq', 'TabmqError'].sort((a, b) => (a < b ? -1 : 1)),
  )
})
