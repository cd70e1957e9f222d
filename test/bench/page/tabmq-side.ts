/** tabmq, as an app uses it. */
import { Tabmq, type Consumer, type Producer } from '../../../src/index.js'
import { orders } from './messages.js'
import { forEach, latencies, rate } from './timing.js'

export interface Load {
  readonly topic: string
  /** How many calls of `send`, and how many messages in each. */
  readonly sends: number
  readonly messages: number
  /** How many sends are not yet answered at a time. */
  readonly underWay: number
}

export interface Reading {
  readonly topic: string
  readonly groupId: string
  /** Ends when so many messages were handled. */
  readonly messages: number
  readonly by: 'eachBatch' | 'eachMessage'
}

const brokers = new Map<string, Tabmq>()
const producers = new Map<string, Producer>()
const consumers = new Map<string, Consumer>()

/** The client of a broker; one of a name runs in all tabs. */
function client(broker: string): Tabmq {
  const known = brokers.get(broker) ?? new Tabmq({ name: broker })
  brokers.set(broker, known)
  return known
}

function producer(broker: string): Producer {
  const known = producers.get(broker) ?? client(broker).producer()
  producers.set(broker, known)
  return known
}

export const tabmqSide = {
  async createTopic(broker: string, topic: string, numPartitions: number): Promise<void> {
    await client(broker)
      .admin()
      .createTopics({ topics: [{ topic, numPartitions }], ifNotExists: true })
  },

  async deleteTopic(broker: string, topic: string): Promise<void> {
    await client(broker)
      .admin()
      .deleteTopics({ topics: [topic] })
  },

  /** Messages a second, until all are acknowledged. */
  async send(broker: string, { topic, sends, messages, underWay }: Load): Promise<number> {
    const all = orders(messages)
    return rate(sends * messages, () =>
      forEach(sends, underWay, () => producer(broker).send({ topic, messages: all })),
    )
  },

  /** The same, of sends of one message each that nobody waits for. */
  async sendSingly(broker: string, topic: string, count: number): Promise<number> {
    const all = orders(count)
    return rate(count, () =>
      Promise.all(all.map((message) => producer(broker).send({ topic, messages: [message] }))),
    )
  },

  sendLatencies(broker: string, topic: string, count: number): Promise<number[]> {
    const messages = orders(1)
    return latencies(count, () => producer(broker).send({ topic, messages }))
  },

  /** Messages a second, from the group's first join until the last is handled. */
  async read(broker: string, { topic, groupId, messages, by }: Reading): Promise<number> {
    const consumer = client(broker).consumer({ groupId })
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    let left = messages
    const perSecond = await rate(
      messages,
      () =>
        new Promise<void>((resolve, reject) => {
          const handled = (count: number) => {
            left -= count
            if (left <= 0) resolve()
          }
          const running =
            by === 'eachBatch'
              ? consumer.run({ eachBatch: ({ batch }) => handled(batch.messages.length) })
              : consumer.run({ eachMessage: () => handled(1) })
          running.catch(reject)
        }),
    )
    await consumer.disconnect()
    return perSecond
  },

  /** Messages a second, each acknowledged for itself, until a share group has done so many. */
  async work(
    broker: string,
    { topic, groupId, messages }: Pick<Reading, 'topic' | 'groupId' | 'messages'>,
  ): Promise<number> {
    const worker = client(broker).shareConsumer({ groupId, maxInFlight: 2_000 })
    await worker.subscribe({ topics: [topic] })
    let left = messages
    const perSecond = await rate(messages, () =>
      new Promise<void>((resolve, reject) => {
        const running = worker.run({
          eachMessage: () => {
            left -= 1
            if (left === 0) resolve()
          },
        })
        running.catch(reject)
      }).then(() => worker.disconnect()),
    )
    return perSecond
  },

  /** Joins and goes on reading; `readUntil` says when so many were handled since. */
  async startReading(broker: string, topic: string, groupId: string): Promise<void> {
    const consumer = client(broker).consumer({ groupId })
    consumers.set(groupId, consumer)
    await consumer.subscribe({ topics: [topic] })
    handled.set(groupId, 0)
    await consumer.run({
      eachBatch: ({ batch }) => {
        handled.set(groupId, (handled.get(groupId) ?? 0) + batch.messages.length)
        for (const tell of waiting) tell()
      },
    })
  },

  readUntil(groupId: string, count: number): Promise<void> {
    return new Promise((resolve) => {
      const tell = () => {
        if ((handled.get(groupId) ?? 0) < count) return
        waiting.delete(tell)
        resolve()
      }
      waiting.add(tell)
      tell()
    })
  },

  async stopReading(groupId: string): Promise<void> {
    for (const release of releases) release()
    releases.clear()
    await consumers.get(groupId)?.disconnect()
    consumers.delete(groupId)
  },

  /** Answers each message of `ping` with one of `pong`, until `stopReading('echo')`. */
  async echo(broker: string): Promise<void> {
    const consumer = client(broker).consumer({ groupId: 'echo' })
    consumers.set('echo', consumer)
    await consumer.subscribe({ topics: ['ping'] })
    await consumer.run({
      eachMessage: ({ message }) => {
        void producer(broker).send({ topic: 'pong', messages: [{ value: message.value }] })
      },
    })
  },

  /** One way each, in milliseconds: half of there and back. */
  async oneWays(broker: string, count: number): Promise<number[]> {
    const consumer = client(broker).consumer({ groupId: `pings-${Math.random()}` })
    await consumer.subscribe({ topics: ['pong'] })
    let onPong = () => {}
    await consumer.run({ eachMessage: () => onPong() })
    const messages = orders(1)
    const there = () => {
      const back = new Promise<void>((resolve) => {
        onPong = resolve
      })
      void producer(broker).send({ topic: 'ping', messages })
      return back
    }
    await there()
    const bothWays = await latencies(count, there)
    await consumer.disconnect()
    return bothWays.map((tookMs) => tookMs / 2)
  },

  /** From a new SharedWorker until the first messages are there, one batch of them, in milliseconds. */
  async coldStart(broker: string, topic: string): Promise<number> {
    const startMs = performance.now()
    const mq = new Tabmq({ name: broker })
    const consumer = mq.consumer({ autoOffsetReset: 'earliest', maxBytesPerPartition: 1 })
    await consumer.assign([{ topic, partition: 0 }])
    const tookMs = await new Promise<number>((resolve, reject) => {
      consumer.run({ eachBatch: () => resolve(performance.now() - startMs) }).catch(reject)
    })
    await consumer.disconnect()
    await mq.close()
    return tookMs
  },

  /** One message to each partition. */
  async sendToEach(broker: string, topic: string, partitions: number): Promise<void> {
    const messages = orders(partitions).map(({ value }, partition) => ({ partition, value }))
    await producer(broker).send({ topic, messages })
  },

  /** Joins with handlers that never return, so that all is there for whoever takes over. */
  async hoard(broker: string, topic: string, groupId: string): Promise<void> {
    const consumer = client(broker).consumer({ groupId })
    consumers.set(groupId, consumer)
    const first = new Map<number, number>()
    firsts.set(groupId, first)
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({
      partitionsConsumedConcurrently: 1_024,
      async eachMessage({ partition, signal }) {
        first.set(partition, Date.now())
        for (const tell of waiting) tell()
        await new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => resolve())
          releases.add(resolve)
        })
        throw new Error('not handled')
      },
    })
  },

  hoarded(groupId: string): number[] {
    return (
      consumers
        .get(groupId)
        ?.assignment()
        .map(({ partition }) => partition) ?? []
    )
  },

  /** When the first message of any of these came, by the machine's clock. */
  firstOf(groupId: string, partitions: readonly number[]): Promise<number> {
    return new Promise((resolve) => {
      const tell = () => {
        const first = firsts.get(groupId)
        const times = partitions.map((partition) => first?.get(partition) ?? NaN)
        if (times.some(Number.isNaN)) return
        waiting.delete(tell)
        resolve(Math.min(...times))
      }
      waiting.add(tell)
      tell()
    })
  },

  async countMessages(broker: string, topic: string): Promise<number> {
    const partitions = await client(broker).admin().fetchTopicOffsets(topic)
    return partitions.reduce((sum, { low, high }) => sum + high - low, 0)
  },

  connect(broker: string): Promise<unknown> {
    return client(broker).admin().listTopics()
  },
}

const handled = new Map<string, number>()
/** Ends the handlers that never return. */
const releases = new Set<() => void>()
/** When each partition's first message came, by group. */
const firsts = new Map<string, Map<number, number>>()
const waiting = new Set<() => void>()
