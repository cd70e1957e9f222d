/**
 * A page with nothing but the library: browser tests drive it by calling what it puts on `tab`. What
 * a tab has handled is kept in its own memory; where a test must know it whatever happens to the
 * browser, it offers `recordHandled`, and a batch counts as handled when that has returned.
 */
import * as Comlink from 'comlink'
import type { BrokerEndpoint } from '../../../src/protocol/endpoints.js'
import type { Hello } from '../../../src/protocol/hello.js'
import { PROTOCOL_VERSION } from '../../../src/protocol/protocol-version.js'
import {
  Tabmq,
  TabmqError,
  type Consumer,
  type ConsumerOptions,
  type Message,
  type Producer,
  type ShareConsumerOptions,
  type TopicPartitionOffset,
} from '../../../src/index.js'

export interface HandledMessage {
  readonly partition: number
  readonly offset: number
  readonly value: unknown
  readonly atMs: number
}

export interface HandledBatch {
  readonly partition: number
  readonly messages: readonly { readonly offset: number; readonly value: unknown }[]
}

/** What a test is told in the moment in which it happens; it need not answer. */
export type Recorded =
  | {
      readonly type: 'started' | 'handled' | 'committed'
      readonly partition: number
      readonly offset: number
    }
  /** One of many sends has ended, however it did. */
  | { readonly type: 'settled' }
  /** A handler has begun with a job; it was accepted. */
  | { readonly type: 'tried' | 'accepted'; readonly id: number }

/** A job of a queue: takes so long, or fails whenever it is tried. */
export interface Job {
  readonly id: number
  readonly takesMs: number
  readonly isPoison: boolean
}

/** How one of many sends has ended. */
export interface Outcome {
  readonly value: unknown
  /** `none` when it was acknowledged. */
  readonly code: string
  readonly partition: number | undefined
  readonly offset: number | undefined
  readonly tookMs: number
}

/** When a tab lost its brokers, and when the next ones answered. */
export interface BrokerTimes {
  readonly lostMs: number[]
  readonly answeredMs: number[]
}

export interface ConsumeOptions {
  readonly topics: string[]
  readonly consumer: ConsumerOptions
  /** How long a handler takes; Infinity never returns. */
  readonly handlerMs?: number
}

const EVENTS = [
  'partitionsAssigned',
  'partitionsRevoked',
  'partitionsLost',
  'rebalancing',
  'crash',
  'stop',
] as const

const name = new URL(location.href).searchParams.get('broker') ?? 'test'
const mq = new Tabmq({ name })
const handled: HandledMessage[] = []
const events: { type: string; atMs: number; detail: unknown }[] = []
let consumer: Consumer | undefined
/** How many more handlers end; those after them begin and wait until the gate is open. */
let freeHandlers = Infinity
let gate = Promise.resolve()
let openGate = () => {}
let waiting = 0

for (const type of ['superseded', 'storageLost'] as const) {
  mq.on(type, (detail) => events.push({ type, atMs: Date.now(), detail: plain(detail) }))
}

const tab = {
  Tabmq,
  mq,
  handled,
  events,
  admin: mq.admin(),
  producer: mq.producer(),

  /** Joins a group and handles one message after the other. */
  async consume(options: ConsumeOptions) {
    const { handlerMs = 0 } = options
    await (
      await join(options)
    ).run({
      eachMessage: async ({ partition, message: { offset, value } }) => {
        record({ type: 'started', partition, offset })
        if (handlerMs > 0) await busyFor(handlerMs)
        freeHandlers -= 1
        if (freeHandlers < 0) await waitAtGate()
        await globalThis.recordHandled?.({ partition, messages: [{ offset, value }] })
        record({ type: 'handled', partition, offset })
        handled.push({ partition, offset, value, atMs: Date.now() })
      },
    })
  },

  /** Joins a group and handles batches, each told to the test before it counts as handled. */
  async consumeRecorded(options: ConsumeOptions) {
    const { handlerMs = 0 } = options
    await (
      await join(options)
    ).run({
      partitionsConsumedConcurrently: 6,
      eachBatch: async ({ batch: { partition, messages } }) => {
        if (handlerMs > 0) await busyFor(handlerMs)
        const batch = {
          partition,
          messages: messages.map(({ offset, value }) => ({ offset, value })),
        }
        await globalThis.recordHandled?.(batch)
      },
    })
  },

  /** Not there before, as in an app that has it on one of its pages only. */
  loadConsole: () => import('../../../src/console/index.js'),

  /** Works on the jobs of a topic, each told to the test when it is begun and when it is accepted. */
  async work(topics: string[], options: ShareConsumerOptions & { concurrency: number }) {
    const { concurrency, ...shareOptions } = options
    const shared = mq.shareConsumer({ ...shareOptions, acknowledgement: 'explicit' })
    shared.on('crash', (detail) =>
      events.push({ type: 'crash', atMs: Date.now(), detail: plain(detail) }),
    )
    await shared.subscribe({ topics })
    await shared.run({
      concurrency,
      eachMessage: async ({ message, acknowledge, signal }) => {
        const { id, takesMs, isPoison } = message.value as Job
        record({ type: 'tried', id })
        await busyFor(takesMs)
        if (isPoison) throw new Error('poison')
        // Known to the test before anything else is made of it, whatever happens to this tab.
        await tellDone(id)
        if (signal.aborted) return
        await acknowledge('accept')
        record({ type: 'accepted', id })
      },
    })
  },

  /** Counts into a store how often each key was handled, as a member of a group of either kind. */
  async count(topic: string, kind: 'consumer' | 'share') {
    const store = mq.store(`counts of ${kind}s`)
    const eachMessage = async ({ message: { key } }: { message: { key: unknown } }) => {
      const count = Number((await store.get(String(key))) ?? 0)
      return { puts: { [String(key)]: count + 1 } }
    }
    const run = { transactionalStore: store.name, eachMessage }
    if (kind === 'consumer') {
      const counting = mq.consumer({ groupId: 'consumers' })
      await counting.subscribe({ topics: [topic], fromBeginning: true })
      await counting.run({ ...run, partitionsConsumedConcurrently: 6 })
    } else {
      const counting = mq.shareConsumer({
        groupId: 'sharers',
        orderingKey: true,
        deliveryCountLimit: 1_000,
        lockDurationMs: 2_000,
      })
      await counting.subscribe({ topics: [topic] })
      await counting.run({ ...run, concurrency: 8 })
    }
  },

  /** What a watch of that store makes of what it is told. */
  async watchCounts(kind: 'consumer' | 'share'): Promise<Map<string, unknown>> {
    const counts = new Map<string, unknown>()
    await mq.store(`counts of ${kind}s`).watch(({ changes, isWhole }) => {
      if (isWhole) counts.clear()
      for (const [key, value] of changes) counts.set(key, value)
    })
    return counts
  },

  /** After so many more, handlers of `consume` begin, and do not end until `letGo`. */
  holdAfter(count: number) {
    freeHandlers = count
    gate = new Promise((resolve) => {
      openGate = resolve
    })
  },

  letGo() {
    freeHandlers = Infinity
    openGate()
  },

  /** How many handlers wait for `letGo`. */
  waiting: () => waiting,

  assignment: () => consumer?.assignment() ?? [],
  commit: (offsets: readonly TopicPartitionOffset[]) => consumer?.commitOffsets(offsets),
  stop: () => consumer?.stop(),
  seek: (where: TopicPartitionOffset) => consumer?.seek(where),
  send: (topic: string, messages: Message[]) => tab.producer.send({ topic, messages }),

  /** The error that a call rejects with, as it can cross to the test. */
  async errorOf(call: () => unknown): Promise<{ code: string; message: string }> {
    try {
      await call()
      return { code: 'none', message: '' }
    } catch (error) {
      if (error instanceof TabmqError) return { code: error.code, message: error.message }
      return { code: 'untyped', message: String(error) }
    }
  },

  /** From now on, when this tab notices that its broker is gone, and when the next has answered. */
  async watchBroker(): Promise<BrokerTimes> {
    const times: BrokerTimes = { lostMs: [], answeredMs: [] }
    mq.on('disconnected', () => times.lostMs.push(Date.now()))
    mq.on('connected', () => times.answeredMs.push(Date.now()))
    await mq.connect()
    return times
  },

  /** Sends each of these by itself, all at once, and notes how each ends. */
  sendEach(producer: Producer, topic: string, messages: readonly Message[]): Outcome[] {
    const outcomes: Outcome[] = []
    const startMs = Date.now()
    const send = async (message: Message): Promise<void> => {
      const { value } = message
      try {
        const [sent] = await producer.send({ topic, messages: [message] })
        const [partition, offset] = [sent?.partition, sent?.baseOffset]
        outcomes.push({ value, code: 'none', partition, offset, tookMs: Date.now() - startMs })
      } catch (error) {
        const code = error instanceof TabmqError ? error.code : 'untyped'
        const nowhere = { partition: undefined, offset: undefined }
        outcomes.push({ value, code, ...nowhere, tookMs: Date.now() - startMs })
      }
      record({ type: 'settled' })
    }
    for (const message of messages) void send(message)
    return outcomes
  },

  /** Requests as no client of ours would send them, on a port of their own. */
  async sendRaw(requests: readonly unknown[]): Promise<readonly unknown[]> {
    const worker = new SharedWorker(new URL('../../../worker/shared-worker.js', import.meta.url), {
      type: 'module',
      name: `tabmq:${name}`,
    })
    const broker = Comlink.wrap<BrokerEndpoint<MessagePort>>(worker.port)
    const { port1, port2 } = new MessageChannel()
    Comlink.expose({ push: () => {} }, port1)
    const hello = { protocolVersion: PROTOCOL_VERSION, sessionId: 'raw', clientId: 'raw' }
    const tooEarly = await broker.request({ api: 'listGroups' })
    await broker.hello(hello as Hello, Comlink.transfer(port2, [port2]))
    return [tooEarly, ...(await Promise.all(requests.map((request) => broker.request(request))))]
  },

  async lag(groupId: string): Promise<number> {
    const [group] = await tab.admin.describeGroups([groupId])
    return group?.offsets.reduce((sum, { lag }) => sum + lag, 0) ?? 0
  },
}

async function join(options: ConsumeOptions): Promise<Consumer> {
  consumer = mq.consumer(options.consumer)
  for (const type of EVENTS) {
    consumer.on(type, (detail) => events.push({ type, atMs: Date.now(), detail: plain(detail) }))
  }
  consumer.on('commitOffsets', ({ offsets }) => {
    for (const { partition, offset } of offsets) record({ type: 'committed', partition, offset })
  })
  await consumer.subscribe({ topics: options.topics, fromBeginning: true })
  return consumer
}

async function waitAtGate(): Promise<void> {
  waiting += 1
  await gate
  waiting -= 1
}

function record(what: Recorded): void {
  globalThis.recordNow?.(JSON.stringify(what))
}

let doneIds: number[] = []
let telling = Promise.resolve()

/** Resolves when the test knows. A call takes longer than a job: each tells of all that were done during the last. */
function tellDone(id: number): Promise<void> {
  doneIds.push(id)
  if (doneIds.length === 1) {
    telling = telling.then(() => {
      const ids = doneIds
      doneIds = []
      return globalThis.recordDone?.(ids)
    })
  }
  return telling
}

function busyFor(handlerMs: number): Promise<void> {
  return new Promise((resolve) => {
    if (handlerMs < Infinity) setTimeout(resolve, handlerMs)
  })
}

/** An event as it can cross to the test: errors as text. */
function plain(detail: unknown): unknown {
  const errorsAsText = (_: string, value: unknown) =>
    value instanceof Error ? String(value) : value
  return JSON.parse(JSON.stringify(detail, errorsAsText))
}

export type TestTab = typeof tab
declare global {
  var tab: TestTab
  var recordHandled: ((batch: HandledBatch) => Promise<void>) | undefined
  var recordDone: ((ids: readonly number[]) => Promise<void>) | undefined
  var recordNow: ((recorded: string) => void) | undefined
}
globalThis.tab = tab
