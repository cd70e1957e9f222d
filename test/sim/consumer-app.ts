/**
 * What an app does with a consumer: it joins its group, handles messages in one of the three ways
 * there are, fails now and then, and meddles: seeks back, pauses, changes what it subscribes to.
 * When its consumer ends or cannot start, it tries again, as an app that wants its messages does.
 */
import type { Consumer } from '../../src/client/consumer/consumer.js'
import type { RunOptions } from '../../src/client/consumer/consumer-options.js'
import { hasCode, TabmqError } from '../../src/protocol/errors.js'
import { deferred } from '../../src/std/deferred.js'
import type { Prng } from '../../src/std/prng.js'
import { HandlerFailed } from './checkers/call-checker.js'
import { countStoreOf, type Counted } from './checkers/store-progress-checker.js'
import type { MessageId, Place, Reader } from './history.js'
import type { GroupOptions } from './options.js'
import { between } from './streams.js'
import type { Tab } from './tab.js'
import type { World } from './world.js'

const RESTART_MS = 200

export interface ConsumerAppOptions {
  readonly name: string
  readonly group: GroupOptions
  readonly groupInstanceId: string | undefined
}

export interface Received {
  readonly topic: string
  readonly partition: number
  readonly message: { readonly offset: number; readonly value: unknown }
  readonly signal: AbortSignal
}

export class ConsumerApp {
  readonly name: string
  readonly consumer: Consumer
  readonly #world: World
  readonly #tab: Tab
  readonly #options: ConsumerAppOptions
  readonly #prng: Prng
  #memberId: string | undefined
  #memberEpoch = 0
  #subscribed = new Set<string>()
  /** Handlers that never return, until somebody mends them. */
  readonly #hung = new Set<() => void>()
  #isRunning = false

  constructor(world: World, tab: Tab, options: ConsumerAppOptions) {
    const { name, group, groupInstanceId } = options
    this.name = name
    this.#world = world
    this.#tab = tab
    this.#options = options
    this.#prng = world.streams.of(name)
    const { groupId, assignor, sessionTimeoutMs, rebalanceTimeoutMs, maxPollIntervalMs } = group
    const { maxWaitMs, maxBytesPerPartition } = group
    this.consumer = tab.mq.consumer({
      groupId,
      assignor,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      maxPollIntervalMs,
      maxWaitMs,
      maxBytesPerPartition,
      ...(group.resetsByHand ? { autoOffsetReset: 'none' as const } : {}),
      ...(groupInstanceId === undefined ? {} : { groupInstanceId }),
    })
    this.#listen()
  }

  get groupId(): string {
    return this.#options.group.groupId
  }

  get memberId(): string | undefined {
    return this.#memberId
  }

  start(): void {
    void this.#live()
    if (this.#options.group.meddleEveryMs > 0) void this.#meddle()
  }

  /** Reads everything from now on, and holds nothing up. */
  behave(): void {
    for (const mend of this.#hung) mend()
    for (const { topic } of this.consumer.paused()) this.consumer.resume([{ topic }])
    void this.#subscribe(this.#world.topicNames)
  }

  #listen(): void {
    this.consumer.on('groupJoin', ({ memberId, memberEpoch }) => {
      this.#memberId = memberId
      this.#memberEpoch = memberEpoch
    })
    this.consumer.on('heartbeat', ({ memberEpoch }) => {
      this.#memberEpoch = memberEpoch
    })
    this.consumer.on('partitionsAssigned', ({ partitions: places }) => {
      this.#world.history.tell({ type: 'assigned', reader: this.#reader(), places })
    })
    this.consumer.on('partitionsLost', ({ partitions: places }) => {
      this.#world.history.tell({ type: 'lost', reader: this.#reader(), places })
    })
    this.consumer.on('crash', ({ error, topic, partition }) => {
      this.#world.history.tell({ type: 'crashed', reader: this.#reader(), error })
      if (!hasCode(error, 'NO_OFFSET_FOR_PARTITION', 'OFFSET_OUT_OF_RANGE')) return
      if (topic !== undefined && partition !== undefined) {
        void this.#seekToBeginning({ topic, partition })
      }
    })
    this.consumer.on('stop', () => {
      this.#isRunning = false
    })
  }

  async #live(): Promise<void> {
    await this.#tab.process.sleep(this.#options.group.startsAfterMs)
    await this.#subscribe(this.#world.topicNames)
    while (!this.#tab.isClosing) {
      if (!this.#isRunning) await this.#run()
      await this.#tab.process.sleep(RESTART_MS)
    }
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    const { mode } = this.#options.group
    const outcome =
      mode === 'iterate'
        ? await this.#tab.call('messages', () => this.#iterate())
        : await this.#tab.call('run', () => this.consumer.run(this.#runOptions(mode)))
    if (!outcome.ok || mode === 'iterate') this.#isRunning = false
  }

  async #subscribe(topics: readonly string[]): Promise<void> {
    const { byPattern, fromBeginning, resetsByHand } = this.#options.group
    this.#subscribed = new Set(topics)
    const wanted = { topics: byPattern ? [/^topic-/] : topics }
    const policy = resetsByHand ? {} : { fromBeginning }
    await this.#tab.call('subscribe', () => this.consumer.subscribe({ ...wanted, ...policy }))
  }

  #commitOptions(): Pick<RunOptions, 'autoCommitInterval' | 'autoCommitThreshold'> {
    const { autoCommitInterval, autoCommitThreshold } = this.#options.group
    return {
      ...(autoCommitInterval === undefined ? {} : { autoCommitInterval }),
      ...(autoCommitThreshold === undefined ? {} : { autoCommitThreshold }),
    }
  }

  #runOptions(mode: 'eachMessage' | 'eachBatch'): RunOptions {
    const { commitsByHand, counts, partitionsConsumedConcurrently } = this.#options.group
    const common = { ...this.#commitOptions(), partitionsConsumedConcurrently }
    if (counts) {
      return {
        partitionsConsumedConcurrently,
        transactionalStore: countStoreOf(this.groupId),
        eachMessage: (received) => this.#count(received),
      }
    }
    if (mode === 'eachMessage') {
      return {
        ...common,
        autoCommit: !commitsByHand,
        eachMessage: async (received) => {
          await this.#handle(received)
          if (commitsByHand) await this.#commit(received)
        },
      }
    }
    return {
      ...common,
      eachBatchAutoResolve: false,
      eachBatch: async (given) => {
        const { batch, signal, isStale, resolveOffset, commitOffsetsIfNecessary, heartbeat } = given
        for (const message of batch.messages) {
          if (isStale()) return
          const { topic, partition } = batch
          await this.#handle({ topic, partition, message, signal })
          resolveOffset(message.offset)
          // It is each message that must not take longer than maxPollIntervalMs, not all of them.
          await heartbeat()
          if (this.#prng.chance(0.2)) await this.#ignoringFences(() => commitOffsetsIfNecessary())
        }
      },
    }
  }

  async #iterate(): Promise<void> {
    for await (const received of this.consumer.messages(this.#commitOptions())) {
      try {
        await this.#handle(received)
      } catch {
        // Leaving the loop leaves this message unhandled; the next run gets it again.
        return
      }
      if (this.#tab.isClosing) return
    }
  }

  /** The user's handler. It counts as having handled the message when it returns. */
  async #handle(
    { topic, partition, message, signal }: Received,
    more: () => Promise<void> = async () => {},
  ): Promise<void> {
    const { history } = this.#world
    const { offset, value } = message
    const event = {
      type: 'handling' as const,
      reader: this.#reader(),
      place: { topic, partition },
      offset,
      id: (value as { id: MessageId }).id,
      isConnected: this.#tab.isConnected,
      runningSinceMs: this.#tab.process.runningSinceMs,
    }
    history.tell(event)
    try {
      await this.#work(signal)
      await more()
    } catch (error) {
      history.tell({ ...event, type: 'threw' })
      throw error
    }
    history.tell({ ...event, type: 'handled' })
  }

  /** Of each partition how many messages were counted, and which was the last. */
  async #count(received: Received): Promise<{ puts: Record<string, Counted> }> {
    const { topic, partition, message } = received
    const key = `${topic} ${partition}`
    let before = 0
    await this.#handle(received, async () => {
      const store = this.#tab.mq.store(countStoreOf(this.groupId))
      before = ((await store.get(key)) as Counted | undefined)?.count ?? 0
    })
    const counted = { place: { topic, partition }, offset: message.offset, count: before + 1 }
    return { puts: { [key]: counted } }
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { msMax, longChance, longMs, failChance, hangChance, heedsSignal } =
      this.#options.group.handler
    const prng = this.#prng
    const isLong = prng.chance(longChance)
    const forMs = isLong ? longMs : prng.below(msMax + 1)
    const fails = prng.chance(failChance)
    const hangs = prng.chance(hangChance) && this.#world.hasTraffic
    if (forMs > 0 || hangs) {
      const done = hangs ? this.#hang() : this.#tab.process.sleep(forMs)
      await (heedsSignal ? unlessAborted(done, signal) : done)
    }
    if (fails && this.#world.hasTraffic) throw new HandlerFailed('simulated')
  }

  #hang(): Promise<void> {
    this.#world.faults.count('hungHandler')
    return new Promise((resolve) => {
      const mend = () => {
        this.#hung.delete(mend)
        resolve()
      }
      this.#hung.add(mend)
    })
  }

  async #commit({ topic, partition, message, signal }: Received): Promise<void> {
    const offsets = [{ topic, partition, offset: message.offset + 1 }]
    const commit = () => this.consumer.commitOffsets(offsets)
    // With the partition gone, somebody else may have got further by now.
    while (!signal.aborted) {
      const outcome = await this.#tab.call('commitOffsets', commit)
      const isPassing =
        !outcome.ok && outcome.error instanceof TabmqError && outcome.error.retriable
      if (!isPassing) return
      await this.#tab.process.sleep(RESTART_MS)
    }
  }

  async #ignoringFences(commit: () => Promise<void>): Promise<void> {
    await this.#tab.call('commitOffsets', commit)
  }

  async #meddle(): Promise<void> {
    const { meddleEveryMs, seeks } = this.#options.group
    for (;;) {
      await this.#tab.process.sleep(between(this.#prng, 1, 2 * meddleEveryMs))
      if (!this.#world.hasTraffic || this.#tab.isClosing) return
      const draw = this.#prng.below(3)
      if (draw === 0) await this.#pauseAwhile()
      else if (draw === 1 && seeks) this.#seekBack()
      else await this.#changeSubscription()
    }
  }

  async #pauseAwhile(): Promise<void> {
    const held = this.consumer.assignment()
    if (held.length === 0) return
    const { topic, partition } = this.#prng.pick(held)
    this.consumer.pause([{ topic, partitions: [partition] }])
    await this.#tab.process.sleep(between(this.#prng, 1, 1_000))
    this.consumer.resume([{ topic, partitions: [partition] }])
  }

  /** What an app does that wants to decide itself, when it is told that there is nowhere to start. */
  async #seekToBeginning(place: Place): Promise<void> {
    const { topic, partition } = place
    const isHeld = () => this.consumer.assignment().some((held) => isSame(held, place))
    while (!this.#tab.isClosing && isHeld()) {
      const ask = () => this.#tab.mq.admin().fetchTopicOffsets(topic)
      const outcome = await this.#tab.call('fetchTopicOffsets', ask)
      const offset = outcome.ok ? outcome.value[partition]?.low : undefined
      if (offset !== undefined && isHeld()) {
        this.#tellSought(place, offset)
        this.consumer.seek({ topic, partition, offset })
        return
      }
      await this.#tab.process.sleep(RESTART_MS)
    }
  }

  #seekBack(): void {
    const held = this.consumer.assignment()
    if (held.length === 0) return
    const place = this.#prng.pick(held)
    const reached = this.#world.handledUpTo(this.groupId, place)
    if (reached === undefined) return
    const { from, to } = reached
    const offset = between(this.#prng, from, to)
    this.#tellSought(place, offset)
    this.consumer.seek({ ...place, offset })
  }

  #tellSought(place: Place, offset: number): void {
    const { name: consumer, groupId } = this
    this.#world.history.tell({ type: 'sought', groupId, consumer, place, offset })
  }

  async #changeSubscription(): Promise<void> {
    if (this.#options.group.byPattern) return
    const topic = this.#prng.pick(this.#world.topicNames)
    if (this.#subscribed.has(topic) && this.#subscribed.size > 1) {
      this.#subscribed.delete(topic)
      await this.#tab.call('unsubscribe', () => this.consumer.unsubscribe({ topics: [topic] }))
    } else {
      await this.#subscribe([...this.#subscribed, topic])
    }
  }

  #reader(): Reader {
    return {
      tab: this.#tab.name,
      consumer: this.name,
      groupId: this.groupId,
      memberId: this.#memberId,
      memberEpoch: this.#memberEpoch,
    }
  }
}

function isSame(one: Place, other: Place): boolean {
  return one.topic === other.topic && one.partition === other.partition
}

/** Rejects when the signal aborts, as a handler does that gives up its work. */
export async function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const given = deferred<never>()
  const giveUp = () => given.reject(new DOMException('the partition is gone', 'AbortError'))
  if (signal.aborted) giveUp()
  signal.addEventListener('abort', giveUp)
  try {
    await Promise.race([work, given.promise])
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}
