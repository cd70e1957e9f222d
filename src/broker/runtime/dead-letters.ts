/**
 * Writes dead letters: messages that a share group rejected, was given too often or not in time. A dead
 * letter is a copy of the record with headers that say where it comes from and why; it and the record's
 * end in the group are one transaction. What cannot be written now (a full disk, a topic that
 * cannot be made) stays undelivered and is tried again.
 *
 * One transaction at a time: what dies meanwhile goes into the next one together, and those of one batch
 * into one copy.
 */
import { deferred, type Deferred } from '../../std/deferred.js'
import { hasCode, TabmqError } from '../../protocol/errors.js'
import { nextOffsetOf, parseBatchHeader } from '../../protocol/batch-header.js'
import { MAX_MESSAGE_BYTES_MAX } from '../../protocol/limits.js'
import type { GroupId, PartitionId, SessionId, TopicName } from '../../protocol/names.js'
import type { Logger } from '../ports.js'
import type { DecisionContext, StateRecord } from '../records.js'
import type {
  DeadLetter,
  DeadLetterEnd,
  LetterOutcome,
  OffsetRange,
} from '../share/share-coordinator.js'
import { decideCreateTopics } from '../topic/decide-topics.js'
import type { BrokerState } from './broker-state.js'
import { Burial, type Plot } from './burial.js'
import type { EntryOptions, Urgency } from './group-commit.js'
import type { ShareReader } from './share-reader.js'

const RETRY_DELAY_MS = 30_000
/** What is written in one transaction, at most. */
const LETTERS_AT_ONCE = 1_000
/** What is read for it is not much more. */
const SOURCE_BYTES_AT_ONCE = 8 * 1024 * 1024
/** Nobody's tab: its turns at the disk are the broker's own. */
const BROKER = 'broker' as SessionId

export interface DeadLettersOptions {
  readonly state: () => BrokerState
  readonly reader: ShareReader
  readonly context: () => DecisionContext
  readonly write: (
    records: readonly StateRecord[],
    urgency: Urgency,
    options?: EntryOptions,
  ) => Promise<void>
  /** As {@link ShareCoordinator.holdKeys}. */
  readonly holdKeys: (groupId: GroupId, ranges: readonly OffsetRange[]) => () => void
  readonly logger: Logger
}

/** One that is to be written, in the state in which it died. */
interface Pending {
  readonly letter: DeadLetter
  readonly state: BrokerState
  readonly done: Deferred<LetterOutcome>
}

export class DeadLetters {
  readonly #options: DeadLettersOptions
  readonly #queue: Pending[] = []
  /** Until it is known what became of them. */
  readonly #pending = new Map<string, Pending>()
  #isAtWork = false

  constructor(options: DeadLettersOptions) {
    this.#options = options
  }

  /** Whatever died since the last time is written. */
  takeUp(): void {
    const state = this.#options.state()
    for (const letter of state.shares.takeDeadLetters()) {
      const pending = { letter, state, done: deferred<LetterOutcome>() }
      // Whoever rejected it is told, by `outcomes`.
      pending.done.promise.catch(() => {})
      this.#queue.push(pending)
      this.#pending.set(keyOf(letter.groupId, letter.partitionId, letter.offset), pending)
    }
    if (this.#queue.length > 0 && !this.#isAtWork) void this.#work()
  }

  /**
   * What becomes of the messages of these that have just died; those of others are not waited for.
   * @throws TabmqError when one could not be written
   */
  outcomes(
    groupId: GroupId,
    { partitionId, firstOffset, lastOffset }: OffsetRange,
  ): Promise<readonly LetterOutcome[]> {
    const promises: Promise<LetterOutcome>[] = []
    for (let offset = firstOffset; offset <= lastOffset; offset++) {
      const pending = this.#pending.get(keyOf(groupId, partitionId, offset))
      if (pending !== undefined) promises.push(pending.done.promise)
    }
    const all = Promise.all(promises)
    all.catch(() => {
      // Nobody may come to wait for it.
    })
    return all
  }

  async #work(): Promise<void> {
    this.#isAtWork = true
    try {
      while (this.#queue.length > 0) await this.#buryAll(this.#takeArmful())
    } finally {
      this.#isAtWork = false
    }
  }

  /** As many as go together, those of one batch beside each other. */
  #takeArmful(): Pending[] {
    const armful = this.#queue.splice(0, LETTERS_AT_ONCE)
    return armful.sort(
      ({ letter: a }, { letter: b }) =>
        compare(a.partitionId, b.partitionId) ||
        compare(a.groupId, b.groupId) ||
        a.offset - b.offset,
    )
  }

  async #buryAll(armful: readonly Pending[]): Promise<void> {
    const { state } = this.#options
    const before = state()
    const isOfBefore = (pending: Pending) => pending.state === before
    const isCurrent = () => state() === before
    for (const pending of armful) if (!isOfBefore(pending)) this.#end(pending, reloaded())
    const letters = armful.filter(isOfBefore)
    try {
      const plots = await this.#plots(letters, isCurrent)
      await this.#bury(plots, await this.#makeTopics(plots, isCurrent))
    } catch (error) {
      // Of those that wait in the queue again the next armful decides.
      const failed = letters.filter((pending) => !this.#queue.includes(pending))
      this.#log(error)
      if (isCurrent() && !hasCode(error, 'STORAGE_FULL')) await this.#putOff(failed)
      for (const pending of failed) this.#end(pending, error)
    }
  }

  /** The batches where the letters are, as many as are read at once. The rest goes back to the queue. */
  async #plots(letters: readonly Pending[], isCurrent: () => boolean): Promise<Plot[]> {
    const plots: Plot[] = []
    let bytes = 0
    for (let at = 0; at < letters.length;) {
      if (bytes >= SOURCE_BYTES_AT_ONCE) {
        this.#queue.unshift(...letters.slice(at))
        break
      }
      const { groupId, partitionId, offset } = (letters[at] as Pending).letter
      const source = await this.#read(partitionId, offset)
      if (!isCurrent()) throw reloaded()
      const those: DeadLetter[] = []
      for (; at < letters.length; at++) {
        const { letter } = letters[at] as Pending
        const isThere = letter.partitionId === partitionId && letter.groupId === groupId
        if (!isThere || (those.length > 0 && letter.offset >= source.nextOffset)) break
        those.push(letter)
      }
      bytes += source.batch?.byteLength ?? 0
      plots.push({ ...source, letters: those })
    }
    return plots
  }

  async #read(
    partitionId: PartitionId,
    offset: number,
  ): Promise<Omit<Plot, 'letters'> & { readonly nextOffset: number }> {
    const nextOffset = offset + 1
    try {
      const batch = await this.#options.reader.batchAt(partitionId, offset, BROKER)
      if (batch === undefined) return { batch, nextOffset }
      return { batch, nextOffset: nextOffsetOf(parseBatchHeader(batch)) }
    } catch (error) {
      return { batch: undefined, nextOffset, error }
    }
  }

  /** Those for dead letters, where there are none. What was in the way, by topic. */
  async #makeTopics(
    plots: readonly Plot[],
    isCurrent: () => boolean,
  ): Promise<ReadonlyMap<TopicName, unknown>> {
    const { state, context, write } = this.#options
    const errors = new Map<TopicName, unknown>()
    const letters = plots.flatMap((plot) => plot.letters)
    const wanted = letters.filter(({ cause }) => cause !== 'redriven').map(({ topic }) => topic)
    for (const topic of new Set(wanted)) {
      if (state().topics.find(topic) !== undefined) continue
      try {
        const { records } = decideCreateTopics(state(), newTopic(topic), context())
        await write(records, 'relaxed')
      } catch (error) {
        if (!isCurrent() || !(error instanceof TabmqError)) throw error
        errors.set(topic, error)
      }
      if (!isCurrent()) throw reloaded()
    }
    return errors
  }

  async #bury(plots: readonly Plot[], topicErrors: ReadonlyMap<TopicName, unknown>): Promise<void> {
    const { state, context, write } = this.#options
    const before = state()
    const burial = new Burial(before, context(), topicErrors)
    for (const plot of plots) burial.add(plot)
    for (const error of burial.errors) this.#log(error)
    const { ends } = burial
    const retryAtMs = context().nowMs + RETRY_DELAY_MS
    const ended = before.shares.deadLettersEnded(ends, retryAtMs, context())
    const releaseKeys = this.#holdKeys(ends)
    try {
      await write([...burial.records, ...ended], 'relaxed', {
        undo: () => {
          const undone = before.shares.undoDeadLetters(ends, retryAtMs, context())
          for (const record of undone) before.replay(record)
          return undone.filter((record) => record.type === 'sharePartition')
        },
      })
    } finally {
      releaseKeys()
    }
    for (const { letter, outcome, error } of ends) {
      const { groupId, partitionId, offset } = letter
      const pending = this.#pending.get(keyOf(groupId, partitionId, offset))
      if (pending?.letter !== letter || outcome === 'void') continue
      if (error === undefined) this.#end(pending, undefined, outcome)
      else this.#end(pending, error)
    }
  }

  #holdKeys(ends: readonly DeadLetterEnd[]): () => void {
    const byGroup = new Map<GroupId, OffsetRange[]>()
    for (const { letter } of ends) {
      const { groupId, partitionId, offset } = letter
      const ranges = byGroup.get(groupId) ?? []
      ranges.push({ partitionId, firstOffset: offset, lastOffset: offset })
      byGroup.set(groupId, ranges)
    }
    const held = [...byGroup].map(([groupId, ranges]) => this.#options.holdKeys(groupId, ranges))
    return () => {
      for (const release of held) release()
    }
  }

  /** Nothing came of it, whatever was in the way: they are tried again. */
  async #putOff(failed: readonly Pending[]): Promise<void> {
    const { state, context, write, logger } = this.#options
    const ends = failed.map(({ letter }) => ({ letter, outcome: 'failed' as const }))
    const retryAtMs = context().nowMs + RETRY_DELAY_MS
    try {
      await write(state().shares.deadLettersEnded(ends, retryAtMs, context()), 'relaxed')
    } catch (error) {
      logger.warn('dead letters could not be put off', error)
    }
  }

  #log(error: unknown): void {
    const { logger } = this.#options
    const message = 'dead letters could not be written'
    if (error instanceof TabmqError) logger.warn(message, error)
    else logger.error(message, error)
  }

  #end(pending: Pending, error: unknown, outcome: LetterOutcome = 'failed'): void {
    const { groupId, partitionId, offset } = pending.letter
    const key = keyOf(groupId, partitionId, offset)
    // After a failure it may be under way again.
    if (this.#pending.get(key) === pending) this.#pending.delete(key)
    if (error === undefined) pending.done.resolve(outcome)
    else pending.done.reject(error)
  }
}

function newTopic(topic: TopicName) {
  // What was allowed where it comes from is not refused here.
  const config = { maxMessageBytes: MAX_MESSAGE_BYTES_MAX, retentionMs: null }
  return {
    topics: [{ topic, numPartitions: 1, config }],
    ifNotExists: true,
    validateOnly: false,
  }
}

function keyOf(groupId: GroupId, partitionId: PartitionId, offset: number): string {
  return `${partitionId} ${offset} ${groupId}`
}

function compare<T extends string | number>(a: T, b: T): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

function reloaded(): TabmqError {
  const message = 'the broker has loaded its state again: the message is as it was before'
  return new TabmqError('BROKER_UNAVAILABLE', message, {})
}
