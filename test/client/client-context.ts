/**
 * A small world for tests of the client library: any number of tabs, one broker at a time, and time
 * that stands still until a test moves it. The tabs run the real client on the real broker core; in
 * between, a test can hold back requests and replies, freeze a tab, kill the broker, and make storage
 * slow or fail. Nothing here waits for real time: `settle` runs all that can run now.
 */
import { setImmediate } from 'node:timers'
import { expect } from 'vitest'
import type { Durability, PushPort, Storage, StoredState } from '../../src/broker/ports.js'
import type { DurableRecord } from '../../src/broker/records.js'
import { Broker } from '../../src/broker/runtime/broker.js'
import { MemoryDatabase, MemoryStorage } from '../../src/broker/runtime/memory-storage.js'
import type { Admin } from '../../src/client/admin/admin.js'
import type {
  ClientHost,
  PageListener,
  Transport,
  TransportListener,
} from '../../src/client/host.js'
import '../../src/client/every-part.js'
import { optionsWithHost, Tabmq, type TabmqOptions } from '../../src/client/tabmq.js'
import { CodecRegistry } from '../../src/codec/codec-registry.js'
import { decodeCompressedBatch, type DecodedRecord } from '../../src/codec/decode-batch.js'
import { TabmqError, toWireError, type ErrorCode } from '../../src/protocol/errors.js'
import type { Hello, Welcome } from '../../src/protocol/hello.js'
import type { BrokerLimits } from '../../src/protocol/limits.js'
import type { SessionId, TopicName } from '../../src/protocol/names.js'
import type { ApiName, Request, RequestOf, WireReply } from '../../src/protocol/requests/request.js'
import type { TopicConfig } from '../../src/protocol/requests/topics.js'
import { AssertionError } from '../../src/std/assert.js'
import { Prng } from '../../src/std/prng.js'

const START_MS = 1_700_000_000_000
const MINUTE_MS = 60_000
/** More timers than this at one moment are a loop that never comes to rest. */
const STEPS_AT_ONCE_MAX = 10_000

interface Scheduled {
  readonly atMs: number
  readonly order: number
  readonly run: () => void
}

/** Time that only moves when told to. Timers of one moment run in the order in which they were set. */
class VirtualClock {
  nowMs = START_MS
  /** By how much somebody has set the machine's clock. */
  wallAheadMs = 0
  #order = 0
  #stepsAtOnce = 0
  readonly #timers = new Set<Scheduled>()

  get pending(): number {
    return this.#timers.size
  }

  schedule(delayMs: number, run: () => void): () => void {
    const atMs = this.nowMs + Math.max(0, Math.ceil(delayMs))
    const timer = { atMs, order: this.#order++, run }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Moves to the next timer due by `untilMs` and runs it; false when there is none. */
  step(untilMs: number): boolean {
    let next: Scheduled | undefined
    for (const timer of this.#timers) {
      const isEarlier =
        next === undefined ||
        timer.atMs < next.atMs ||
        (timer.atMs === next.atMs && timer.order < next.order)
      if (isEarlier) next = timer
    }
    if (next === undefined || next.atMs > untilMs) return false
    this.#timers.delete(next)
    if (next.atMs > this.nowMs) this.#stepsAtOnce = 0
    this.#stepsAtOnce += 1
    if (this.#stepsAtOnce > STEPS_AT_ONCE_MAX) throw new Error('something is busy without end')
    this.nowMs = Math.max(this.nowMs, next.atMs)
    next.run()
    return true
  }
}

/** Things kept back on their way, in order. */
export class Held {
  #isOn = true
  #queue: (() => void)[] = []

  get size(): number {
    return this.#queue.length
  }

  get isOn(): boolean {
    return this.#isOn
  }

  add(pass: () => void): void {
    this.#queue.push(pass)
  }

  /** Lets the oldest pass; the others stay. */
  releaseOne(): void {
    this.#queue.shift()?.()
  }

  /** Changes what is held, and its order. */
  reorder(change: (queue: (() => void)[]) => void): void {
    change(this.#queue)
  }

  /** Lets all pass, now and from now on. */
  release(): void {
    this.#isOn = false
    for (const pass of this.#queue.splice(0)) pass()
  }

  /** What is held is lost; what comes later passes. */
  drop(): void {
    this.#isOn = false
    this.#queue = []
  }
}

/** One life of the broker. */
interface Life {
  readonly started: Promise<Broker>
  isAlive: boolean
}

export interface ClientContextOptions {
  readonly limits?: Partial<BrokerLimits>
  readonly seed?: number
}

export class ClientContext {
  readonly clock = new VirtualClock()
  database = new MemoryDatabase()
  readonly tabs: Tab[] = []
  /** What the broker logged as errors. */
  readonly brokerErrors: unknown[] = []
  /** The next commits fail with these, one each. */
  readonly commitErrors: TabmqError[] = []
  /** The next hellos are answered with these, one each. */
  readonly helloErrors: TabmqError[] = []
  commits = 0
  brokersStarted = 0
  readonly #limits: Partial<BrokerLimits>
  readonly #prng: Prng
  #life: Life | undefined
  #canStart = true
  #nextId = 0
  #heldCommits: Held | undefined
  #adminTab: Tab | undefined
  #producerTab: Tab | undefined

  constructor({ limits = {}, seed = 1 }: ClientContextOptions = {}) {
    this.#limits = limits
    this.#prng = new Prng(seed)
  }

  // Tabs

  tab(options: TabmqOptions = {}): Tab {
    const tab = new Tab(this, { clientId: `tab-${this.tabs.length + 1}`, ...options })
    this.tabs.push(tab)
    return tab
  }

  /** An administrator in a tab of its own. */
  get admin(): Admin {
    this.#adminTab ??= this.tab({ clientId: 'admin' })
    return this.#adminTab.mq.admin()
  }

  /** A tab that only sends. */
  get producerTab(): Tab {
    this.#producerTab ??= this.tab({ clientId: 'producer' })
    return this.#producerTab
  }

  async topic(topic: string, numPartitions = 1, config: Partial<TopicConfig> = {}): Promise<void> {
    await this.done(this.admin.createTopics({ topics: [{ topic, numPartitions, config }] }))
  }

  // Time

  /** Runs everything that can run at this moment. */
  settle(): Promise<void> {
    return new Promise((resolve) => {
      setImmediate(resolve)
    })
  }

  async advance(byMs: number): Promise<void> {
    const untilMs = this.clock.nowMs + byMs
    await this.settle()
    while (this.clock.step(untilMs)) await this.settle()
    this.clock.nowMs = untilMs
  }

  /** Moves on until the condition holds. */
  async until(
    condition: () => boolean | Promise<boolean>,
    { withinMs = 2 * MINUTE_MS } = {},
  ): Promise<void> {
    const untilMs = this.clock.nowMs + withinMs
    for (;;) {
      await this.settle()
      if (await condition()) return
      if (!this.clock.step(untilMs)) {
        throw new Error(`not within ${withinMs} ms: ${condition.toString()}`)
      }
    }
  }

  /** Moves on until the promise settles, and returns or throws what it settled with. */
  async done<T>(promise: Promise<T>, { withinMs = 20 * MINUTE_MS } = {}): Promise<T> {
    let isSettled = false
    promise.then(
      () => (isSettled = true),
      () => (isSettled = true),
    )
    await this.until(() => isSettled, { withinMs })
    return promise
  }

  // The broker

  get broker(): Promise<Broker> {
    return this.#running().started
  }

  /** The broker is gone from one moment to the next; the tabs hear of it. */
  kill(): void {
    const life = this.#life
    this.#life = undefined
    if (life !== undefined) life.isAlive = false
    for (const tab of this.tabs) tab.brokerDied()
  }

  /** The broker ends by itself, and says so; nobody's lock tells of it. */
  async endBroker(): Promise<void> {
    const broker = await this.#life?.started
    this.#life = undefined
    await broker?.close()
    await this.settle()
  }

  /** Until `allowBroker`, no new broker can be started. */
  forbidBroker(): void {
    this.#canStart = false
  }

  allowBroker(): void {
    this.#canStart = true
  }

  /** The broker for a tab that opens a transport: the running one, or a new one. */
  currentLife(): Life {
    return this.#running()
  }

  /** Commits wait before they are written. What is dropped was never written. */
  holdCommits(): Held {
    this.#heldCommits = new Held()
    return this.#heldCommits
  }

  #running(): Life {
    if (this.#life !== undefined) return this.#life
    if (!this.#canStart) throw new TabmqError('BROKER_UNAVAILABLE', 'no broker can be started')
    this.brokersStarted += 1
    const storage = new GatedStorage(this, () => life.isAlive)
    const life: Life = {
      isAlive: true,
      started: Broker.start({
        storage,
        clock: { nowMs: () => this.clock.nowMs + this.clock.wallAheadMs },
        timer: {
          schedule: (delayMs, callback) =>
            this.clock.schedule(delayMs, () => {
              if (life.isAlive) callback()
            }),
        },
        random: { freshId: () => this.freshId('broker') },
        logger: {
          warn: () => {},
          error: (message, details) => {
            if (life.isAlive) this.brokerErrors.push(details ?? message)
          },
        },
        limits: this.#limits,
        onEnded: () => {
          if (this.#life === life) this.kill()
        },
      }),
    }
    this.#life = life
    return life
  }

  /** What is stored of a topic, by partition. */
  async stored(topic: string): Promise<DecodedRecord[][]> {
    const { state } = await this.broker
    const { partitionIds } = state.topics.findOrThrow(topic as TopicName)
    const codecs = new CodecRegistry()
    const decode = (batch: ArrayBuffer) =>
      decodeCompressedBatch(batch, { codecs, valuesBytesMax: 2 ** 30 })
    return Promise.all(
      partitionIds.map(async (partitionId) => {
        const stored = this.database.batches.get(partitionId) ?? []
        return (await Promise.all(stored.map(({ batch }) => decode(batch)))).flat()
      }),
    )
  }

  /**
   * Somebody deletes the data. What is there next begins with the same partition ids, so that nothing
   * but the client keeps what was from reaching it.
   */
  deleteData(): void {
    this.database.isDeleted = true
    this.database = new MemoryDatabase(this.freshId('database'))
  }

  /** As the browser tells a broker that its connection is gone: it looks, and ends. */
  async storageIsLost(): Promise<void> {
    this.deleteData()
    const broker = await this.broker
    broker.storageLost(new TabmqError('STORAGE_LOST', 'the database was deleted'))
  }

  // What the parts share

  freshId(of: string): string {
    this.#nextId += 1
    return `${of}-${this.#nextId}`
  }

  random(): number {
    return this.#prng.float()
  }

  async commit(write: () => Promise<void>, isAlive: () => boolean): Promise<void> {
    const held = this.#heldCommits
    if (held?.isOn === true) {
      await new Promise<void>((resolve) => {
        held.add(resolve)
      })
    }
    // A broker that died meanwhile writes nothing any more, and hears nothing.
    if (!isAlive()) return new Promise(() => {})
    const error = this.commitErrors.shift()
    if (error !== undefined) throw error
    this.commits += 1
    return write()
  }

  // The end

  /** Nothing may be left over: no error that nobody saw, no broken invariant. */
  async check(): Promise<void> {
    await this.settle()
    for (const tab of this.tabs) expect(tab.errors, `errors reported in ${tab.name}`).toEqual([])
    const bugs = this.brokerErrors.filter((error) => !(error instanceof TabmqError))
    expect(bugs.filter((error) => error instanceof AssertionError)).toEqual([])
    if (this.#life !== undefined) (await this.#life.started).checkInvariants()
  }
}

/** The error that a promise rejects with, which must be one of ours. */
export async function errorOf(promise: Promise<unknown>): Promise<TabmqError> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
  if (!('error' in outcome)) expect.fail('it resolved')
  expect(outcome.error).toBeInstanceOf(TabmqError)
  return outcome.error as TabmqError
}

/** The code of the error that a promise rejects with. */
export async function codeOf(promise: Promise<unknown>): Promise<ErrorCode> {
  return (await errorOf(promise)).code
}

/** Runs a test in a context of its own, and checks at its end that nothing was left over. */
export function inContext(
  body: (context: ClientContext) => Promise<void>,
  options: ClientContextOptions = {},
): () => Promise<void> {
  return async () => {
    const context = new ClientContext(options)
    await body(context)
    await context.check()
  }
}

class GatedStorage implements Storage {
  readonly #context: ClientContext
  readonly #storage: MemoryStorage
  readonly #isAlive: () => boolean

  constructor(context: ClientContext, isAlive: () => boolean) {
    this.#context = context
    this.#storage = new MemoryStorage(context.database)
    this.#isAlive = isAlive
  }

  load(): Promise<StoredState> {
    return this.#storage.load()
  }

  commit(records: readonly DurableRecord[], _durability: Durability): Promise<void> {
    return this.#context.commit(() => this.#storage.commit(records), this.#isAlive)
  }

  readBatches(range: Parameters<Storage['readBatches']>[0]) {
    return this.#storage.readBatches(range)
  }

  readStore(range: Parameters<Storage['readStore']>[0]) {
    return this.#storage.readStore(range)
  }

  estimate() {
    return this.#storage.estimate()
  }

  close() {
    return this.#storage.close()
  }
}

type Stage = 'request' | 'reply'
type HeldApi = ApiName | 'hello'

/** One tab: a client, and the world around it. */
export class Tab implements ClientHost {
  readonly name: string
  readonly mq: Tabmq
  /** Every request as it was sent, repeats included. */
  readonly requests: Request[] = []
  /** What went to the page's error reporting. A test that expects some takes them out. */
  errors: unknown[] = []
  hellos = 0
  openTransports = 0
  readonly #context: ClientContext
  readonly #holds: { readonly api: HeldApi; readonly stage: Stage; readonly held: Held }[] = []
  readonly #transports = new Set<TabTransport>()
  #page: PageListener | undefined
  #isFrozen = false
  #isGone = false
  readonly #whileFrozen: (() => void)[] = []

  constructor(context: ClientContext, options: TabmqOptions) {
    this.#context = context
    this.name = options.clientId ?? 'tab'
    this.mq = new Tabmq(optionsWithHost(options, this))
  }

  // What a test does with it

  requestsOf<A extends ApiName>(api: A): RequestOf<A>[] {
    return this.requests.filter((request) => request.api === api) as unknown as RequestOf<A>[]
  }

  /** Keeps back requests, or replies, of an API. */
  hold(api: HeldApi, stage: Stage): Held {
    const held = new Held()
    this.#holds.push({ api, stage, held })
    return held
  }

  /** Its code stands still: no timer fires, nothing that arrives is seen. Its lock is held. */
  freeze(): void {
    this.#isFrozen = true
  }

  thaw(): void {
    this.#isFrozen = false
    for (const run of this.#whileFrozen.splice(0)) run()
  }

  /** The page goes away, for good or into the back/forward cache. */
  hide({ mayReturn }: { mayReturn: boolean }): void {
    this.#page?.onHide({ mayReturn })
    if (mayReturn) this.#isFrozen = true
    else this.#isGone = true
  }

  /** The page is shown (again), and timers that were due in the back/forward cache fire. */
  comeBack(): void {
    this.#isFrozen = false
    this.#isGone = false
    this.#page?.onReturn()
    this.thaw()
  }

  /** The tab's process dies; its lock is free at once. */
  crash(): void {
    this.#isGone = true
    for (const transport of new Set(this.#transports)) transport.endSession()
  }

  takeErrors(): unknown[] {
    return this.errors.splice(0)
  }

  // What the context does with it

  brokerDied(): void {
    for (const transport of new Set(this.#transports)) this.run(() => transport.lost())
  }

  /** Runs something in the tab: now, when it thaws, or never. */
  run(work: () => void): void {
    if (this.#isGone) return
    if (this.#isFrozen) this.#whileFrozen.push(work)
    else work()
  }

  pass(api: HeldApi, stage: Stage, work: () => void): void {
    const hold = this.#holds.find((one) => one.held.isOn && one.api === api && one.stage === stage)
    if (hold === undefined) work()
    else hold.held.add(work)
  }

  // ClientHost

  nowMs(): number {
    return this.#context.clock.nowMs
  }

  wallMs(): number {
    return this.#context.clock.nowMs + this.#context.clock.wallAheadMs
  }

  setTimer(delayMs: number, callback: () => void): () => void {
    let isCancelled = false
    const cancel = this.#context.clock.schedule(delayMs, () =>
      this.run(() => {
        if (!isCancelled) callback()
      }),
    )
    return () => {
      isCancelled = true
      cancel()
    }
  }

  random(): number {
    return this.#context.random()
  }

  freshId(): string {
    return this.#context.freshId(this.name ?? 'tab')
  }

  async openTransport(listener: TransportListener): Promise<Transport> {
    const life = this.#context.currentLife()
    const transport = new TabTransport(this.#context, this, { life, listener })
    this.#transports.add(transport)
    this.openTransports += 1
    return transport
  }

  closed(transport: TabTransport): void {
    if (this.#transports.delete(transport)) this.openTransports -= 1
  }

  nextTurn(): Promise<void> {
    return Promise.resolve()
  }

  watchPage(listener: PageListener): () => void {
    this.#page = listener
    return () => {
      this.#page = undefined
    }
  }

  reportError(error: unknown): void {
    this.errors.push(error)
  }
}

class TabTransport implements Transport {
  readonly #context: ClientContext
  readonly #tab: Tab
  readonly #life: Life
  readonly #listener: TransportListener
  #session: { readonly sessionId: SessionId; readonly port: PushPort } | undefined
  #isClosed = false

  constructor(
    context: ClientContext,
    tab: Tab,
    { life, listener }: { life: Life; listener: TransportListener },
  ) {
    this.#context = context
    this.#tab = tab
    this.#life = life
    this.#listener = listener
  }

  hello(hello: Hello): Promise<WireReply<Welcome>> {
    this.#tab.hellos += 1
    const port: PushPort = { push: (message) => this.#push(structuredClone(message)) }
    return this.#exchange('hello', async (broker) => {
      const { incarnation } = broker
      try {
        const error = this.#context.helloErrors.shift()
        if (error !== undefined) throw error
        const value = broker.connect(structuredClone(hello), port)
        this.#session = { sessionId: hello.sessionId, port }
        return { incarnation, ok: true, value }
      } catch (error) {
        return { incarnation, ok: false, error: toWireError(error) }
      }
    }) as Promise<WireReply<Welcome>>
  }

  request(request: Request): Promise<WireReply> {
    const copy = structuredClone(request)
    this.#tab.requests.push(structuredClone(request))
    const sessionId = this.#session?.sessionId ?? ('nobody' as SessionId)
    return this.#exchange(request.api, (broker) => broker.handle(sessionId, copy))
  }

  goodbye(options: { isTabGone: boolean }): void {
    this.endSession(options)
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#tab.closed(this)
    // The tab's lock is free now, which is a goodbye of its own.
    this.endSession()
  }

  lost(): void {
    if (!this.#isClosed) this.#listener.onLost()
  }

  endSession(options: { isTabGone: boolean } = { isTabGone: true }): void {
    const session = this.#session
    this.#session = undefined
    if (session === undefined) return
    const { sessionId, port } = session
    this.#toBroker((broker) => void broker.endSession(sessionId, { ...options, port }))
  }

  #exchange(api: HeldApi, work: (broker: Broker) => Promise<WireReply>): Promise<WireReply> {
    return new Promise((resolve) => {
      this.#tab.pass(api, 'request', () =>
        this.#toBroker((broker) => {
          void work(broker).then((reply) =>
            this.#tab.pass(api, 'reply', () =>
              this.#tab.run(() => {
                if (this.#life.isAlive && !this.#isClosed) resolve(structuredClone(reply))
              }),
            ),
          )
        }),
      )
    })
  }

  /** Messages reach the broker in the order in which they were sent. */
  #toBroker(work: (broker: Broker) => void): void {
    void this.#life.started.then((broker) => {
      if (this.#life.isAlive) work(broker)
    })
  }

  #push(message: Parameters<TransportListener['onPush']>[0]): Promise<boolean> {
    return new Promise((resolve) => {
      queueMicrotask(() =>
        this.#tab.run(() => {
          resolve(!this.#isClosed && this.#life.isAlive && this.#listener.onPush(message))
        }),
      )
    })
  }
}
