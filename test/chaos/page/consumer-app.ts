/**
 * What an app does with a consumer: it joins its group, handles messages in one of the three ways
 * there are, fails now and then, and meddles if it is of that kind. When its consumer ends, it starts
 * another run. A message counts as handled when the runner has heard so, and only then its handler
 * returns: whatever is committed was recorded before.
 */
import type { Consumer, EachBatchPayload, RunOptions, TopicPartition } from '../../../src/index.js'
import type { GroupPlan } from '../plan.js'
import { OUTBOX_TOPIC, REFUSED_TOPIC } from '../plan.js'
import type { RecordedMessage, RecordedReader } from '../record.js'
import { recordedError } from './calls.js'
import { HandlerFailed } from './handler-failed.js'
import { Meddler } from './meddler.js'
import type { ProducerApp } from './producer-app.js'
import { sleep, type TabParts } from './tab.js'

const RESTART_MS = 200
/** Joining and committing are tried for so long by the library. */
const REQUEST_TIMEOUT_MS = 30_000
/** How many messages of a batch are resolved together. */
const RESOLVED_TOGETHER = 8
/** The app gives up a message every so often, and puts it where somebody looks at it. */
const REFUSED_CHANCE = 0.05

export interface ConsumerAppOptions {
  readonly name: string
  readonly group: GroupPlan
  readonly groupInstanceId: string | undefined
  readonly producer: ProducerApp
}

interface Received extends TopicPartition {
  readonly message: { readonly offset: number; readonly value: unknown }
  readonly signal: AbortSignal
}

export class ConsumerApp {
  readonly name: string
  readonly consumer: Consumer
  readonly group: GroupPlan
  readonly #parts: TabParts
  readonly #options: ConsumerAppOptions
  /** Planted: it reads everything, and no group knows of it. */
  readonly #isAlone: boolean
  #memberId: string | undefined
  #memberEpoch = 0
  #memberships = 0
  #isRunning = false
  #isClosing = false
  /** By topic and partition, the offset after the last message that this consumer handled. */
  readonly #handledUpTo = new Map<string, number>()

  constructor(parts: TabParts, options: ConsumerAppOptions) {
    const { name, group, groupInstanceId } = options
    this.name = name
    this.group = group
    this.#parts = parts
    this.#options = options
    const { groupId, assignor, sessionTimeoutMs, rebalanceTimeoutMs, maxPollIntervalMs } = group
    const { maxWaitMs, maxBytesPerPartition } = group
    this.#isAlone = parts.orders.plant === 'everybodyOwns' && groupId === 'each-message'
    this.consumer = parts.mq.consumer({
      ...(this.#isAlone ? { autoOffsetReset: 'earliest' } : { groupId }),
      assignor,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      maxPollIntervalMs,
      maxWaitMs,
      maxBytesPerPartition,
      ...(groupInstanceId === undefined ? {} : { groupInstanceId }),
    })
    this.#listen()
  }

  get reader(): RecordedReader {
    return {
      consumer: this.name,
      groupId: this.group.groupId,
      groupInstanceId: this.#options.groupInstanceId,
      memberId: this.#memberId,
      memberEpoch: this.#memberEpoch,
      membership: this.#memberships,
    }
  }

  handledUpTo({ topic, partition }: TopicPartition): number | undefined {
    return this.#handledUpTo.get(`${topic}/${partition}`)
  }

  async live(): Promise<void> {
    await this.subscribe()
    if (this.group.meddles) void new Meddler(this.#parts, this).run()
    while (!this.#isClosing) {
      if (!this.#isRunning) await this.#run()
      await sleep(RESTART_MS)
    }
  }

  /** Reads everything from now on, and holds nothing up. */
  async behave(): Promise<void> {
    for (const { topic } of this.consumer.paused()) this.consumer.resume([{ topic }])
    await this.subscribe()
  }

  async close(): Promise<void> {
    this.#isClosing = true
    const limitMs = this.group.rebalanceTimeoutMs + REQUEST_TIMEOUT_MS
    await this.#parts.calls.make('disconnect', limitMs, () => this.consumer.disconnect())
  }

  async subscribe(): Promise<void> {
    const { calls, orders } = this.#parts
    if (this.#isAlone) return this.#assignAll()
    const topics = orders.plan.topics.map(({ topic }) => topic)
    await calls.make('subscribe', 0, () => this.consumer.subscribe({ topics, fromBeginning: true }))
  }

  async #assignAll(): Promise<void> {
    const all = this.#parts.orders.plan.topics.flatMap(({ topic, numPartitions }) =>
      Array.from({ length: numPartitions }, (_, partition) => ({ topic, partition })),
    )
    await this.#parts.calls.make('assign', REQUEST_TIMEOUT_MS, () => this.consumer.assign(all))
  }

  #listen(): void {
    const { consumer } = this
    const { recorder } = this.#parts
    consumer.on('groupJoin', ({ memberId, memberEpoch }) => {
      this.#memberId = memberId
      this.#memberEpoch = memberEpoch
      this.#memberships += 1
      recorder.note({ type: 'joined', reader: this.reader })
    })
    consumer.on('heartbeat', ({ memberEpoch }) => {
      this.#memberEpoch = memberEpoch
    })
    consumer.on('partitionsAssigned', ({ partitions }) => {
      recorder.note({ type: 'assigned', reader: this.reader, places: partitions })
    })
    // The partitions go when this has returned, and the runner is to know before.
    consumer.on('partitionsRevoked', ({ partitions }) =>
      recorder.tell({ type: 'revoked', reader: this.reader, places: partitions }),
    )
    consumer.on('partitionsLost', ({ partitions }) => {
      recorder.note({ type: 'lost', reader: this.reader, places: partitions })
    })
    consumer.on('commitOffsets', ({ offsets }) => {
      recorder.note({ type: 'committed', reader: this.reader, offsets })
    })
    consumer.on('crash', ({ error }) => {
      recorder.note({ type: 'crashed', reader: this.reader, error: recordedError(error) })
    })
    consumer.on('stop', () => {
      this.#isRunning = false
      recorder.note({ type: 'stopped', reader: this.reader })
    })
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    const { calls } = this.#parts
    const { mode } = this.group
    const outcome =
      mode === 'messages'
        ? await calls.make('messages', Infinity, () => this.#iterate())
        : await calls.make('run', REQUEST_TIMEOUT_MS, () =>
            this.consumer.run(this.#runOptions(mode)),
          )
    if (!outcome.ok || mode === 'messages') this.#isRunning = false
  }

  #runOptions(mode: 'eachMessage' | 'eachBatch'): RunOptions {
    const { commitsByHand, partitionsConsumedConcurrently } = this.group
    const common = { ...this.#commitOptions(), partitionsConsumedConcurrently }
    if (mode === 'eachMessage') {
      return {
        ...common,
        autoCommit: !commitsByHand,
        eachMessage: async (received) => {
          await this.#handleOne(received)
          if (commitsByHand) await this.#commit(received)
        },
      }
    }
    return {
      ...common,
      eachBatchAutoResolve: false,
      eachBatch: (payload) => this.#handleBatch(payload),
    }
  }

  /** A few at a time: the runner hears of them together before they are resolved. */
  async #handleBatch(payload: EachBatchPayload): Promise<void> {
    const { batch, signal, isStale, resolveOffset, heartbeat } = payload
    const { topic, partition, messages } = batch
    let handled: number | undefined
    const resolve = async () => {
      if (handled === undefined) return
      await this.#parts.recorder.flush()
      resolveOffset(handled)
    }
    try {
      for (const [index, message] of messages.entries()) {
        if (isStale()) return
        await this.#handle({ topic, partition, message, signal })
        handled = message.offset
        if (index % RESOLVED_TOGETHER !== RESOLVED_TOGETHER - 1) continue
        await resolve()
        await heartbeat()
      }
    } finally {
      await resolve()
    }
  }

  #commitOptions(): Pick<RunOptions, 'autoCommitInterval'> {
    const { autoCommitInterval } = this.group
    return autoCommitInterval === undefined ? {} : { autoCommitInterval }
  }

  async #iterate(): Promise<void> {
    for await (const received of this.consumer.messages(this.#commitOptions())) {
      try {
        await this.#handleOne(received)
      } catch {
        // Leaving the loop leaves this message unhandled; the next run gets it again.
        return
      }
      if (this.#isClosing) return
    }
  }

  /** The user's handler. It counts as having handled the message when it returns. */
  async #handleOne(received: Received): Promise<void> {
    await this.#handle(received)
    await this.#parts.recorder.flush()
  }

  async #handle({ topic, partition, message, signal }: Received): Promise<void> {
    const { recorder, orders, prng } = this.#parts
    const { id } = message.value as { id: number }
    if (orders.plant === 'skippedMessage' && prng.chance(0.01)) return
    const { offset } = message
    const what: RecordedMessage = { reader: this.reader, place: { topic, partition }, offset, id }
    recorder.note({ ...what, type: 'handling' })
    try {
      await this.#work(topic, signal)
    } catch (error) {
      recorder.note({ ...what, type: 'threw' })
      throw error
    }
    recorder.note({ ...what, type: 'handled' })
    this.#handledUpTo.set(`${topic}/${partition}`, offset + 1)
  }

  async #work(topic: string, signal: AbortSignal): Promise<void> {
    const { prng, traffic } = this.#parts
    const { msMax, longChance, longMs, failChance } = this.group.handler
    const isLong = prng.chance(longChance)
    const forMs = prng.below(msMax + 1)
    const fails = prng.chance(failChance)
    if (isLong) await sleep(longMs)
    // In a hidden tab each of these would take a second, and most tabs are hidden.
    else if (forMs > 0 && !document.hidden) await sleep(forMs)
    if (!traffic.isOn) return
    if (fails) throw new HandlerFailed('drawn')
    const isRefused = this.group.groupId === OUTBOX_TOPIC && topic === OUTBOX_TOPIC
    if (!isRefused || !prng.chance(REFUSED_CHANCE)) return
    signal.throwIfAborted()
    const isPassed = await this.#options.producer.pass(REFUSED_TOPIC)
    if (!isPassed) throw new HandlerFailed('not passed on')
  }

  async #commit({ topic, partition, message, signal }: Received): Promise<void> {
    const { calls, orders, prng } = this.#parts
    const isBack = orders.plant === 'backwardCommit' && prng.chance(0.05)
    const offset = isBack ? Math.max(0, message.offset - 3) : message.offset + 1
    // With the partition gone, somebody else may have got further by now.
    while (!signal.aborted && !this.#isClosing) {
      const outcome = await calls.make('commitOffsets', REQUEST_TIMEOUT_MS, () =>
        this.consumer.commitOffsets([{ topic, partition, offset }]),
      )
      if (outcome.ok || !isPassing(outcome.error)) return
      await sleep(RESTART_MS)
    }
  }
}

function isPassing(error: unknown): boolean {
  return error instanceof Error && 'retriable' in error && error.retriable === true
}
