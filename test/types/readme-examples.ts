/**
 * The examples of README.md, in its order, so that they are type-checked against the API as it is.
 * readme.test.ts compares the two; what an example leaves to the app is declared here.
 */
import { TabmqConsole } from '../../src/console/index.js'
import { Tabmq, TabmqError, type Codec } from '../../src/index.js'
import { memoryBroker } from '../../src/testing/index.js'

declare const element: HTMLElement
declare function handle(value: unknown, signal?: AbortSignal): Promise<void>
declare function makeThumbnail(value: unknown, signal: AbortSignal): Promise<void>
declare function tellUser(text: string): void
declare function search(words: string): Promise<string[]>

export async function firstExample(): Promise<void> {
  const mq = new Tabmq({ name: 'shop' })

  await mq.admin().createTopics({
    topics: [{ topic: 'orders', numPartitions: 6 }],
    ifNotExists: true,
  })

  const producer = mq.producer()
  await producer.send({
    topic: 'orders',
    messages: [{ key: 'user-7', value: { id: 1, total: 9.5, at: new Date() } }],
  })

  const consumer = mq.consumer({ groupId: 'billing' })
  await consumer.subscribe({ topics: ['orders'], fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ topic, partition, message }) => {
      console.log(topic, partition, message.offset, message.key, message.value)
    },
  })
}

export async function outbox(mq: Tabmq) {
  const day = 24 * 3_600_000
  await mq.admin().createTopics({
    topics: [
      // Kept until they are deleted: by default messages go after 7 days, sent or not.
      { topic: 'outbox', numPartitions: 4, config: { retentionMs: null, dedupWindowMs: day } },
    ],
    ifNotExists: true,
  })

  // Any tab, online or not.
  const producer = mq.producer({ acks: -1 })

  async function save(orderId: string, change: object, id: string): Promise<void> {
    await producer.send({
      topic: 'outbox',
      messages: [{ key: orderId, value: change, messageId: id }],
    })
  }

  // Every tab.
  const drain = mq.shareConsumer({
    groupId: 'outbox',
    orderingKey: true,
    deliveryCountLimit: 1_000_000, // as long as it takes
    deadLetterTopic: 'outbox.refused',
    retry: { initialDelayMs: 1_000, multiplier: 2, maxDelayMs: 600_000 },
  })
  drain.on('crash', ({ error, willRetry }) => console.warn('outbox', willRetry, error))
  await drain.subscribe({ topics: ['outbox'] })

  const start = () =>
    drain.run({
      concurrency: 4,
      eachMessage: async ({ message, signal, acknowledge }) => {
        const response = await fetch('/api/changes', {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            'idempotency-key': message.messageId ?? '',
          },
          body: JSON.stringify(message.value),
          signal,
        })
        if (response.ok) return
        // What will never be accepted must not hold up the changes behind it.
        const isFinal = [400, 404, 409, 422].includes(response.status)
        if (!isFinal) throw new Error(`the server said ${response.status}`)
        await acknowledge('reject', { reason: await response.text() })
      },
    })

  // Without a network there is nothing to try.
  if (navigator.onLine) await start()
  addEventListener('offline', () => void drain.stop())
  addEventListener('online', () => void start())
  return save
}

export async function outboxCounter(mq: Tabmq) {
  async function waiting(): Promise<number> {
    const [outbox] = await mq.admin().describeShareGroups(['outbox'])
    return outbox?.partitions.reduce((sum, one) => sum + one.available + one.acquired, 0) ?? 0
  }

  // Once the server takes what it had refused.
  await mq.admin().redrive({ from: 'outbox.refused' })
  return waiting
}

export async function sharedWork(mq: Tabmq) {
  await mq.admin().createTopics({
    topics: [{ topic: 'images', numPartitions: 8 }],
    ifNotExists: true,
  })
  const instanceId = await tabId() // once in a page: it may serve several groups
  const worker = mq.consumer({ groupId: 'thumbnails', groupInstanceId: instanceId })
  await worker.subscribe({ topics: ['images'], fromBeginning: true })
  await worker.run({
    eachMessage: async ({ message, signal, heartbeat }) => {
      for (const image of message.value as string[]) {
        signal.throwIfAborted() // the partition went to another tab
        await makeThumbnail(image, signal)
        await heartbeat() // still at it: restarts maxPollIntervalMs
      }
    },
  })
  return worker
}

/**
 * One id per tab that survives a reload. A duplicated tab finds it taken, and gets its own; so would a
 * second call in the same page.
 */
export async function tabId(): Promise<string> {
  const kept = sessionStorage.getItem('tab-id')
  if (kept !== null && (await hold(kept))) return kept
  const id = crypto.randomUUID()
  sessionStorage.setItem('tab-id', id)
  await hold(id)
  return id
}

/** Holds a lock of that name for as long as the page lives; false when another tab has it. */
function hold(id: string): Promise<boolean> {
  return new Promise((resolve) => {
    const options = { signal: AbortSignal.timeout(500) }
    const held = () => {
      resolve(true)
      return new Promise(() => {})
    }
    navigator.locks.request(`tab-id:${id}`, options, held).catch(() => resolve(false))
  })
}

export async function jobQueue(mq: Tabmq) {
  await mq.admin().createTopics({
    topics: [{ topic: 'uploads', config: { retentionMs: null } }],
    ifNotExists: true,
  })

  const producer = mq.producer()
  await producer.send({
    topic: 'uploads',
    messages: [{ value: { file: 'a.jpg' } }, { value: { file: 'b.jpg' }, delayMs: 60_000 }],
  })

  // Every tab. Each gets the next job when it is free.
  const worker = mq.shareConsumer({
    groupId: 'uploads',
    deliveryCountLimit: 5,
    deadLetterTopic: 'uploads.failed',
    retry: { initialDelayMs: 2_000, multiplier: 3, maxDelayMs: 300_000 },
  })
  worker.on('crash', ({ error, offset }) => console.warn('uploads', offset, error))
  await worker.subscribe({ topics: ['uploads'] })
  await worker.run({
    concurrency: 3,
    eachMessage: async ({ message, signal, acknowledge }) => {
      const response = await fetch('/api/uploads', {
        method: 'POST',
        body: JSON.stringify(message.value),
        signal,
      })
      // Nobody else will get it to work: a dead letter, at once.
      if (response.status === 422) await acknowledge('reject', { reason: await response.text() })
      else if (!response.ok) throw new Error(`the server said ${response.status}`)
    },
  })
}

export async function oneConnection(mq: Tabmq) {
  await mq.admin().createTopics({
    topics: [
      { topic: 'to-server' }, // one partition, so one tab at a time has it
      { topic: 'from-server', config: { retentionMs: 60_000 } },
    ],
    ifNotExists: true,
  })
  const producer = mq.producer()
  let socket: WebSocket | undefined

  function open(): void {
    socket = new WebSocket('wss://example.com/feed')
    socket.addEventListener('message', ({ data }) => {
      producer
        .send({ topic: 'from-server', messages: [{ value: data }] })
        .catch((error: unknown) => console.error(error))
    })
  }

  function close(): void {
    socket?.close()
    socket = undefined
  }

  const owner = mq.consumer({ groupId: 'server-connection' })
  owner.on('partitionsAssigned', ({ partitions }) => {
    if (partitions.length > 0) open()
  })
  owner.on('partitionsRevoked', close)
  owner.on('partitionsLost', close)
  owner.on('stop', close)
  owner.on('crash', ({ error }) => console.warn('not sent yet', error))
  await owner.subscribe({ topics: ['to-server'], fromBeginning: true })
  await owner.run({
    eachMessage: ({ message }) => {
      // A handler that throws gets the same message again.
      if (socket?.readyState !== WebSocket.OPEN) throw new Error('not connected yet')
      socket.send(String(message.value))
    },
  })
  return owner
}

export async function everyTabReads(mq: Tabmq) {
  const feed = mq.consumer() // no group: every tab reads all of it
  await feed.assign([{ topic: 'from-server', partition: 0 }])
  await feed.run({
    eachMessage: ({ message }) => {
      element.textContent = String(message.value)
    },
  })
  return feed
}

export async function batches(mq: Tabmq) {
  const consumer = mq.consumer({ groupId: 'billing', autoOffsetReset: 'earliest' })
  await consumer.subscribe({ topics: ['orders', /^refunds\./] })
  await consumer.run({
    eachBatchAutoResolve: false,
    eachBatch: async ({ batch, resolveOffset, heartbeat, isRunning, isStale, signal }) => {
      for (const message of batch.messages) {
        if (!isRunning() || isStale()) break
        await handle(message.value, signal)
        resolveOffset(message.offset)
        await heartbeat()
      }
    },
  })
  return consumer
}

export async function iteration(mq: Tabmq, signal: AbortSignal): Promise<void> {
  const consumer = mq.consumer({ groupId: 'audit' })
  await consumer.subscribe({ topics: ['orders'], fromBeginning: true })
  for await (const { topic, partition, message } of consumer.messages({ signal })) {
    await handle({ topic, partition, ...message })
  }
}

export async function ownCommits(mq: Tabmq) {
  const consumer = mq.consumer({ groupId: 'ledger' })
  await consumer.subscribe({ topics: ['orders'], fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ topic, partition, message }) => {
      await handle(message.value)
      await consumer.commitOffsets([{ topic, partition, offset: message.offset + 1 }])
    },
  })

  consumer.pause([{ topic: 'orders', partitions: [0] }])
  consumer.resume([{ topic: 'orders' }])

  // Everything of the last hour again: in every tab of the group. A partition that another tab holds
  // is sought when it comes here.
  const hourAgo = Date.now() - 3_600_000
  const starts = await mq.admin().fetchTopicOffsetsByTimestamp('orders', hourAgo)
  for (const { partition, offset } of starts) consumer.seek({ topic: 'orders', partition, offset })
  return consumer
}

export async function sendingOptions(mq: Tabmq) {
  const producer = mq.producer({ acks: -1, lingerMs: 5, compression: 'gzip' })
  await producer.sendBatch({
    topicMessages: [
      { topic: 'orders', messages: [{ key: 'user-7', value: { id: 2 } }] },
      { topic: 'audit', messages: [{ value: 'order 2', headers: { source: 'checkout' } }] },
    ],
  })
  await producer.flush() // all sends so far have settled
  await producer.disconnect()
}

export async function exchanges(mq: Tabmq) {
  const admin = mq.admin()
  await admin.declareExchange({ exchange: 'events', type: 'topic' })
  await admin.bind({ exchange: 'events', topic: 'mails', routingKey: 'order.*.created' })
  await admin.bind({ exchange: 'events', topic: 'audit', routingKey: '#' })

  const places = await mq.producer().publish({
    exchange: 'events',
    routingKey: 'order.eu.created',
    messages: [{ key: 'order-17', value: { total: 9.5 } }],
    mandatory: true,
  })
  for (const { topic, partition, baseOffset } of places) console.log(topic, partition, baseOffset)
}

export async function unitTest(): Promise<number[]> {
  const broker = memoryBroker()
  const [one, other] = [broker.client(), broker.client()] // two "tabs"

  await one.admin().createTopics({ topics: [{ topic: 'orders', numPartitions: 2 }] })
  await one.producer().send({ topic: 'orders', messages: [{ key: 'a', value: 1 }] })

  const seen: number[] = []
  for (const mq of [one, other]) {
    const consumer = mq.consumer({ groupId: 'billing' })
    await consumer.subscribe({ topics: ['orders'], fromBeginning: true })
    await consumer.run({ eachMessage: ({ message }) => seen.push(Number(message.value)) })
  }

  await broker.restart() // as when the browser is killed: another broker on the same data
  await one.producer().send({ topic: 'orders', messages: [{ key: 'a', value: 2 }] })
  while (seen.length < 2) await new Promise((resolve) => setTimeout(resolve, 10))

  await broker.close()
  return seen
}

export async function ownCodec(): Promise<Codec> {
  const pointCodec: Codec = {
    id: 16,
    name: 'point',
    encode(value) {
      const { x, y } = value as { x: number; y: number }
      const view = new DataView(new ArrayBuffer(16))
      view.setFloat64(0, x)
      view.setFloat64(8, y)
      return new Uint8Array(view.buffer)
    },
    decode({ buffer, byteOffset }) {
      const view = new DataView(buffer, byteOffset, 16)
      return { x: view.getFloat64(0), y: view.getFloat64(8) }
    },
  }

  const mq = new Tabmq({ name: 'shop', codecs: [pointCodec] })
  const producer = mq.producer({ codec: 'point' })
  await producer.send({ topic: 'track', messages: [{ value: { x: 1.5, y: 2 } }] })
  return pointCodec
}

export async function store(mq: Tabmq): Promise<() => void> {
  const shown = new Map<string, unknown>()
  const balances = mq.store('balances')

  // Every tab. Payments of one account have its id as their key, so they are in one partition.
  const teller = mq.consumer({ groupId: 'balances' })
  await teller.subscribe({ topics: ['payments'], fromBeginning: true })
  await teller.run({
    transactionalStore: 'balances',
    eachMessage: async ({ message }) => {
      const account = String(message.key)
      const { amount } = message.value as { amount: number }
      const balance = Number((await balances.get(account)) ?? 0)
      return { puts: { [account]: balance + amount } }
    },
  })

  // And whoever wants to see them.
  const stop = await balances.watch(({ changes, isWhole }) => {
    if (isWhole) shown.clear()
    for (const [account, balance] of changes) shown.set(account, balance)
  })
  return stop
}

export async function askAnotherTab(mq: Tabmq): Promise<(words: string) => Promise<unknown>> {
  await mq.admin().createTopics({
    topics: [{ topic: 'search', config: { retentionMs: 60_000 } }],
    ifNotExists: true,
  })

  // The tabs that have the index.
  const searching = mq.shareConsumer({ groupId: 'search', deliveryCountLimit: 2 })
  await searching.subscribe({ topics: ['search'] })
  await searching.run({
    concurrency: 4,
    eachMessage: async ({ message, reply }) => {
      await reply(await search(String(message.value)))
    },
  })

  // Any tab.
  async function ask(words: string): Promise<unknown> {
    try {
      return await mq.request({ topic: 'search', value: words, timeoutMs: 5_000 })
    } catch (error) {
      if (!(error instanceof TabmqError)) throw error
      if (error.code === 'REQUEST_TIMED_OUT') tellUser('No tab has answered.')
      if (error.code === 'REQUEST_FAILED') console.warn('the search failed', error.cause)
      throw error
    }
  }
  return ask
}

export function ownWorker(): Tabmq {
  const mq = new Tabmq({
    name: 'shop',
    worker: () => new SharedWorker(new URL('./my-broker.js', import.meta.url), { type: 'module' }),
  })
  return mq
}

export async function administration(mq: Tabmq, signal: AbortSignal): Promise<void> {
  const admin = mq.admin()
  await admin.createPartitions({ topicPartitions: [{ topic: 'orders', count: 12 }] })
  await admin.alterConfigs({
    topics: [{ topic: 'orders', config: { retentionBytes: 50_000_000 } }],
  })
  await admin.resetOffsets({ groupId: 'billing', topic: 'orders', earliest: true })
  await admin.deleteTopicRecords({ topic: 'orders', partitions: [{ partition: 0, offset: 100 }] })
  const { incarnation, sessions, storage } = await admin.describeCluster()
  console.log(incarnation, sessions.length, storage.usageBytes, storage.persisted)

  for await (const { topics, groups } of admin.watch({ signal })) {
    console.log(
      topics.length,
      groups.map(({ groupId, state }) => `${groupId}: ${state}`),
    )
  }
}

export function withConsole(mq: Tabmq): void {
  const panel = new TabmqConsole()
  panel.connection = mq
  panel.readonly = true
  document.body.append(panel)
}

export async function keep(): Promise<void> {
  const isPersisted = await navigator.storage.persist()
  if (!isPersisted)
    tellUser('The browser may delete what is not sent yet when it runs out of space.')
}

export async function repeats(mq: Tabmq): Promise<void> {
  await mq.admin().createTopics({
    topics: [{ topic: 'payments', config: { dedupWindowMs: 3_600_000 } }],
  })
  const [sent] = await mq.producer().send({
    topic: 'payments',
    messages: [{ messageId: 'order-17', value: { total: 9.5 } }],
  })
  if (sent?.duplicate) console.log(`was there already, at ${sent.partition}@${sent.baseOffset}`)
}

export async function errors(mq: Tabmq): Promise<void> {
  const producer = mq.producer()
  try {
    await producer.send({ topic: 'orders', messages: [{ value: { id: 3 } }] })
  } catch (error) {
    if (!(error instanceof TabmqError)) throw error
    if (error.code === 'STORAGE_FULL') tellUser('There is no space left.')
    else console.error(error.code, error.retriable, error.details)
  }
}
