/**
 * Writes dead letters: messages that a share group rejected, was given too often or not in time. A dead
 * letter is a copy of the record with headers that say where it comes from and why; it and the record's
 * end in the group are one transaction. What cannot be written now (a full disk, a topic that
 * cannot be made) stays undelivered and is tried again.
 */
import { hasCode, TabmqError } from '../../protocol/errors.js'
import { copyRecord } from '../../protocol/copy-record.js'
import { readBatchIndex } from '../../protocol/batch-index.js'
import { parseBatchHeader } from '../../protocol/batch-header.js'
import { MAX_MESSAGE_BYTES_MAX, TOPIC_NAME_LENGTH_MAX } from '../../protocol/limits.js'
import type { GroupId, SessionId, TopicName } from '../../protocol/names.js'
import type { AssignedPartition } from '../../protocol/requests.js'
import { allEnded } from '../../std/promises.js'
import { decideProduce } from '../log/decide-produce.js'
import type { Logger } from '../ports.js'
import type { DecisionContext, StateRecord } from '../records.js'
import type { DeadLetter } from '../share/share-coordinator.js'
import { decideCreateTopics } from '../topic/decide-topics.js'
import type { Topic } from '../topic/topic-registry.js'
import type { BrokerState } from './broker-state.js'
import type { EntryOptions, Urgency } from './group-commit.js'
import type { ShareReader } from './share-reader.js'

const RETRY_DELAY_MS = 30_000
/** Nobody's tab: its turns at the disk are the broker's own. */
const BROKER = 'broker' as SessionId

const DEAD_LETTER_PREFIX = 'dead-letter-'

/** Headers of a dead letter. One that dies again has several values of each, the last death's last. */
export const DEAD_LETTER_HEADERS = {
  topic: 'dead-letter-topic',
  partition: 'dead-letter-partition',
  offset: 'dead-letter-offset',
  group: 'dead-letter-group',
  cause: 'dead-letter-cause',
  reason: 'dead-letter-reason',
  deliveryCount: 'dead-letter-delivery-count',
  firstDeliveredAt: 'dead-letter-first-delivered-at',
  lastDeliveredAt: 'dead-letter-last-delivered-at',
} as const

export interface DeadLettersOptions {
  readonly state: () => BrokerState
  readonly reader: ShareReader
  readonly context: () => DecisionContext
  readonly write: (
    records: readonly StateRecord[],
    urgency: Urgency,
    options?: EntryOptions,
  ) => Promise<void>
  readonly logger: Logger
}

export class DeadLetters {
  readonly #options: DeadLettersOptions
  /** What is being written, by group. */
  readonly #underWay = new Map<GroupId, Set<Promise<void>>>()

  constructor(options: DeadLettersOptions) {
    this.#options = options
  }

  /** Whatever died since the last time is written. */
  takeUp(): void {
    for (const letter of this.#options.state().shares.takeDeadLetters()) {
      const { groupId } = letter
      const ofGroup = this.#underWay.get(groupId) ?? new Set()
      this.#underWay.set(groupId, ofGroup)
      const written = this.#bury(letter).finally(() => {
        ofGroup.delete(written)
        if (ofGroup.size === 0) this.#underWay.delete(groupId)
      })
      ofGroup.add(written)
      // Whoever rejected it is told, by `settled`.
      written.catch(() => {})
    }
  }

  /**
   * Resolves when what has died in the group so far is written.
   * @throws TabmqError when it could not be
   */
  async settled(groupId: GroupId): Promise<void> {
    await allEnded([...(this.#underWay.get(groupId) ?? [])])
  }

  async #bury(letter: DeadLetter): Promise<void> {
    const { state, context, write, logger } = this.#options
    const before = state()
    const { groupId, partitionId, offset } = letter
    try {
      const batch = await this.#options.reader.batchAt(partitionId, offset, BROKER)
      if (state() !== before) return
      const topic = await this.#topicOf(letter)
      // After a reload it is available again, and dies again.
      if (state() !== before) return
      if (batch === undefined || topic === undefined) return await this.#drop(letter)
      const records = this.#decide(letter, batch, topic)
      if (records.length === 0) return await this.#drop(letter)
      const retryAtMs = context().nowMs + RETRY_DELAY_MS
      await write([...records, ...before.shares.deadLettered(letter, context())], 'relaxed', {
        undo: () => {
          const undone = before.shares.undoDeadLettered(letter, retryAtMs, context())
          for (const record of undone) before.replay(record)
          return undone.filter((record) => record.type === 'sharePartition')
        },
      })
    } catch (error) {
      logger.warn(`a dead letter of group "${groupId}" could not be written`, error)
      if (!(error instanceof TabmqError)) throw error
      if (state() === before && !hasCode(error, 'STORAGE_FULL')) {
        const retryAtMs = context().nowMs + RETRY_DELAY_MS
        await write(before.shares.deadLetterFailed(letter, retryAtMs, context()), 'relaxed')
      }
      throw error
    }
  }

  /** There is nothing to write: the record cannot be read any more, or goes round in circles (X4). */
  async #drop(letter: DeadLetter): Promise<void> {
    const { state, context, write } = this.#options
    await write(state().shares.deadLettered(letter, context()), 'relaxed')
  }

  /** The topic for the group's dead letters, made if there is none; undefined if it has none. */
  async #topicOf({ groupId, cause, reason }: DeadLetter): Promise<Topic | undefined> {
    const { state, context, write } = this.#options
    if (cause === 'redriven') return state().topics.findOrThrow(reason as TopicName)
    const { deadLetterTopic } = state().shares.optionsOf(groupId)
    if (deadLetterTopic === null) return undefined
    if (state().topics.find(deadLetterTopic) === undefined) {
      const { records } = decideCreateTopics(state(), newTopic(deadLetterTopic), context())
      await write(records, 'relaxed')
    }
    return state().topics.find(deadLetterTopic)
  }

  /** What is appended; nothing when the message has come round without anybody rejecting it. */
  #decide(letter: DeadLetter, batch: ArrayBuffer, target: Topic): readonly StateRecord[] {
    const { state, context } = this.#options
    const [from] = state().shares.locate([letter.partitionId])
    if (from === undefined) return []
    const deaths = deathsOf(batch, letter.offset)
    if (isCycle(deaths, target.topic, letter.cause)) return []
    const isRedriven = letter.cause === 'redriven'
    // By its own time retention might take it at once.
    const timestampMs = context().nowMs
    const changes = isRedriven
      ? { withoutHeaders: DEAD_LETTER_PREFIX }
      : { headers: headersOf(letter, from) }
    const copy = copyRecord(batch, letter.offset, { timestampMs, ...changes })
    // Back to where it was, if there are as many partitions as there were.
    const wanted = isRedriven ? Number(deaths.at(-1)?.partition) : from.partition
    const { partitionIds } = target
    const [first] = partitionIds
    const partitionId = partitionIds[wanted % partitionIds.length] ?? first
    if (partitionId === undefined) return []
    const { records, response } = decideProduce(state(), [{ partitionId, batch: copy }], context())
    const [result] = response.results
    if (result?.error === undefined) return records
    const { code, message, details } = result.error
    throw new TabmqError(code, message, details)
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

/** Where it comes from, and why. */
function headersOf(letter: DeadLetter, from: AssignedPartition): [string, string][] {
  return [
    [DEAD_LETTER_HEADERS.topic, from.topic],
    [DEAD_LETTER_HEADERS.partition, String(from.partition)],
    [DEAD_LETTER_HEADERS.offset, String(letter.offset)],
    [DEAD_LETTER_HEADERS.group, letter.groupId],
    [DEAD_LETTER_HEADERS.cause, letter.cause],
    [DEAD_LETTER_HEADERS.reason, letter.reason],
    [DEAD_LETTER_HEADERS.deliveryCount, String(letter.deliveryCount)],
    [DEAD_LETTER_HEADERS.firstDeliveredAt, String(letter.firstDeliveredAtMs)],
    [DEAD_LETTER_HEADERS.lastDeliveredAt, String(letter.lastDeliveredAtMs)],
  ]
}

interface Death {
  readonly topic: string
  readonly partition: string
  readonly cause: string
}

/** How the message died before, the oldest death first. */
function deathsOf(batch: ArrayBuffer, offset: number): Death[] {
  let at = parseBatchHeader(batch).baseOffset
  for (const record of readBatchIndex(batch)) {
    if (at < offset) {
      at += 1
      continue
    }
    const valuesOf = (wanted: string) =>
      record.headers.flatMap(({ name, value }) => (decode(name) === wanted ? [decode(value)] : []))
    const causes = valuesOf(DEAD_LETTER_HEADERS.cause)
    const partitions = valuesOf(DEAD_LETTER_HEADERS.partition)
    return valuesOf(DEAD_LETTER_HEADERS.topic).map((topic, index) => ({
      topic,
      partition: partitions[index] ?? '0',
      cause: causes[index] ?? 'rejected',
    }))
  }
  return []
}

/** Whether it died in the topic where it would come to lie, and nobody has rejected it since (X4). */
function isCycle(deaths: readonly Death[], target: TopicName, cause: string): boolean {
  if (cause === 'rejected' || cause === 'redriven') return false
  const last = deaths.findLastIndex(({ topic }) => topic === target)
  if (last < 0) return false
  return deaths.slice(last).every((death) => death.cause !== 'rejected')
}

/** Of what is written here, and of names of topics, all is ASCII; what is longer is somebody else's. */
function decode(bytes: Uint8Array): string {
  if (bytes.length > TOPIC_NAME_LENGTH_MAX) return ''
  return String.fromCharCode(...bytes)
}
