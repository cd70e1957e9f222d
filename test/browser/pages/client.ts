/**
 * A page with nothing but the library: browser tests drive it by calling what it puts on `tab`. What
 * a tab has handled is kept in its own memory; where a test must know it whatever happens to the
 * browser, it offers `recordHandled`, and a batch counts as handled when that has returned.
 */
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

export interface ConsumeOptions extends ConsumerOptions {
  readonly topics: string[]
  /** How long a handler takes; Infinity never returns. */
  readonly handlerMs?: number
}

const parameters = new URL(location.href).searchParams
const mq = new Tabmq({ name: parameters.get('broker') ?? 'test' })
const handled: HandledMessage[] = []
const events: { type: string; atMs: number; detail: unknown }[] = []
let consumer: Consumer | undefined

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

  /** The code of the error that a call rejects with, for errors that must cross to the test. */
  async codeOf(call: () => Promise<unknown>): Promise<string> {
    try {
      await call()
      return 'no error'
    } catch (error) {
      return error instanceof TabmqError ? error.code : String(error)
    }
  },

  async lag(groupId: string): Promise<number> {
    const [group] = await tab.admin.describeGroups([groupId])
    return group?.offsets.reduce((sum, { lag }) => sum + lag, 0) ?? 0
  },
}

async function join({ topics, handlerMs: _, ...options }: ConsumeOptions): Promise<Consumer> {
  consumer = mq.consumer(options)
  const types = ['partitionsAssigned', 'partitionsRevoked', 'partitionsLost', 'crash'] as const
  for (const type of types) {
    consumer.on(type, (detail) => events.push({ type, atMs: Date.now(), detail: plain(detail) }))
  }
  await consumer.subscribe({ topics, fromBeginning: true })
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
