/**
 * A page with nothing but the library: browser tests drive it by calling what it puts on `tab`. What
 * a tab has handled is kept in its own memory; where a test must know it whatever happens to the
 * browser, it offers `recordHandled`, and a batch counts as handled when that has returned.
 */
import * as Comlink from 'comlink'
import type { BrokerEndpoint } from '../../../src/protocol/endpoints.js'
import { PROTOCOL_VERSION } from '../../../src/protocol/protocol-version.js'
import type { Hello } from '../../../src/protocol/requests.js'
import {
  Tabmq,
  TabmqError,
  type Consumer,
  type ConsumerOptions,
  type Message,
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

export interface ConsumeOptions {
  readonly topics: string[]
  readonly consumer: ConsumerOptions
  /** How long a handler takes; Infinity never returns. */
  readonly handlerMs?: number
}

const name = new URL(location.href).searchParams.get('broker') ?? 'test'
const mq = new Tabmq({ name })
const handled: HandledMessage[] = []
const events: { type: string; atMs: number; detail: unknown }[] = []
let consumer: Consumer | undefined
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
        if (handlerMs > 0) await busyFor(handlerMs)
        await globalThis.recordHandled?.({ partition, messages: [{ offset, value }] })
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

  assignment: () => consumer?.assignment() ?? [],
  stop: () => consumer?.stop(),
  send: (topic: string, messages: Message[]) => tab.producer.send({ topic, messages }),

  /** The error that a call rejects with, as it can cross to the test. */
  async errorOf(call: () => Promise<unknown>): Promise<{ code: string; message: string }> {
    try {
      await call()
      return { code: 'none', message: '' }
    } catch (error) {
      if (error instanceof TabmqError) return { code: error.code, message: error.message }
      return { code: 'untyped', message: String(error) }
    }
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
  const types = ['partitionsAssigned', 'partitionsRevoked', 'partitionsLost', 'crash'] as const
  for (const type of types) {
    consumer.on(type, (detail) => events.push({ type, atMs: Date.now(), detail: plain(detail) }))
  }
  await consumer.subscribe({ topics: options.topics, fromBeginning: true })
  return consumer
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
}
globalThis.tab = tab
