/**
 * What is written of dead letters in one transaction, decided at one moment: where each goes, what is
 * appended, and what becomes of those that cannot be written.
 */
import { hasCode, TabmqError } from '../../protocol/errors.js'
import type { PartitionId, TopicName } from '../../protocol/names.js'
import { OwnAppends } from '../log/own-appends.js'
import type { DecisionContext, StateRecord } from '../records.js'
import type { DeadLetter, DeadLetterEnd, LetterOutcome } from '../share/share-coordinator.js'
import type { BrokerState } from './broker-state.js'
import {
  deadLetterCopies,
  deadLetterStubs,
  isCircle,
  readDeaths,
  redrivenCopies,
  type Autopsy,
  type Copy,
  type CopyTerms,
  type Death,
} from './dead-letter-copies.js'

/** Dead letters of one group in one batch. */
export interface Plot {
  readonly letters: readonly DeadLetter[]
  /** Undefined when it is gone, or there is an error. */
  readonly batch: ArrayBuffer | undefined
  /** Why it could not be read. */
  readonly error?: unknown
}

interface LetterEnd extends DeadLetterEnd {
  /** Why it failed; a redrive fails without one when there is nothing to be redriven any more. */
  readonly error?: unknown
}

export class Burial {
  readonly ends: LetterEnd[] = []
  /** Each once. */
  readonly errors = new Set<unknown>()
  readonly #state: BrokerState
  readonly #terms: CopyTerms
  readonly #appends: OwnAppends
  readonly #topicErrors: ReadonlyMap<TopicName, unknown>

  /** With what was in the way of making topics. */
  constructor(
    state: BrokerState,
    { nowMs }: DecisionContext,
    topicErrors: ReadonlyMap<TopicName, unknown>,
  ) {
    this.#topicErrors = topicErrors
    const { logs, limits } = state
    this.#state = state
    this.#terms = { nowMs, limits }
    this.#appends = new OwnAppends({ logs, limits, nowMs })
  }

  get records(): readonly StateRecord[] {
    return this.#appends.records
  }

  add({ letters, batch, error }: Plot): void {
    const dead: DeadLetter[] = []
    for (const letter of letters) {
      if (this.#state.shares.isDead(letter)) dead.push(letter)
      else this.#put([letter], 'dropped')
    }
    try {
      if (batch !== undefined) this.#addOf(batch, dead)
      else if (error === undefined) this.#put(dead, 'dropped')
      else if (hasCode(error, 'CORRUPT_MESSAGE')) this.#addUnreadable(dead)
      else this.#put(dead, 'failed', error)
    } catch (reason) {
      const known = new Set(this.ends.map(({ letter }) => letter))
      const failed = dead.filter((letter) => !known.has(letter))
      this.#put(failed, 'failed', reason)
    }
  }

  #addOf(batch: ArrayBuffer, letters: readonly DeadLetter[]): void {
    let found: Autopsy
    try {
      found = readDeaths(batch, letters)
    } catch (error) {
      if (!hasCode(error, 'CORRUPT_MESSAGE')) throw error
      return this.#addUnreadable(letters)
    }
    const wanted = new Map<PartitionId, DeadLetter[]>()
    for (const letter of letters) {
      const before = found.deaths.get(letter.offset)
      const isRedriven = letter.cause === 'redriven'
      if (before === undefined) this.#put([letter], isRedriven ? 'failed' : 'dropped')
      else if (isCircle(before, letter)) this.#put([letter], 'dropped')
      else this.#sort(wanted, letter, before)
    }
    for (const [partitionId, those] of wanted) this.#copy(batch, partitionId, those)
    const redriven = letters.find(({ cause }) => cause === 'redriven')
    if (redriven === undefined) return
    // Gaps between what was redriven otherwise, for ever.
    for (const offset of found.voids) {
      this.ends.push({ letter: { ...redriven, offset }, outcome: 'void' })
    }
  }

  /** Back to where it was, if there are as many partitions as there were. */
  #sort(
    wanted: Map<PartitionId, DeadLetter[]>,
    letter: DeadLetter,
    deaths: readonly Death[] = [],
  ): void {
    const isRedriven = letter.cause === 'redriven'
    const [from] = this.#state.shares.locate([letter.partitionId])
    const topic = this.#state.topics.find(letter.topic)
    if (topic === undefined) {
      const error = this.#topicErrors.get(letter.topic) ?? noTopic(letter)
      return this.#put([letter], 'failed', isRedriven ? undefined : error)
    }
    const number = isRedriven ? Number(deaths.at(-1)?.partition) : (from?.partition ?? 0)
    const { partitionIds } = topic
    const partitionId = partitionIds[number % partitionIds.length] ?? partitionIds[0]
    if (partitionId === undefined) return this.#put([letter], 'failed', noTopic(letter))
    const those = wanted.get(partitionId) ?? []
    those.push(letter)
    wanted.set(partitionId, those)
  }

  #copy(batch: ArrayBuffer, partitionId: PartitionId, letters: readonly DeadLetter[]): void {
    const redriven = letters.filter(({ cause }) => cause === 'redriven')
    const died = letters.filter(({ cause }) => cause !== 'redriven')
    const [from] = this.#state.shares.locate(letters.map((letter) => letter.partitionId))
    const copies = redriven.length === 0 ? [] : redrivenCopies(batch, redriven, this.#terms)
    const copied = new Set(copies.flatMap((copy) => copy.letters))
    this.#put(
      redriven.filter((letter) => !copied.has(letter)),
      'failed',
    )
    if (died.length > 0 && from !== undefined) {
      copies.push(...deadLetterCopies(batch, died, { ...this.#terms, from }))
    }
    for (const copy of copies) this.#append(partitionId, copy)
  }

  #addUnreadable(letters: readonly DeadLetter[]): void {
    const wanted = new Map<PartitionId, DeadLetter[]>()
    for (const letter of letters) {
      if (letter.cause === 'redriven') this.#put([letter], 'failed')
      else this.#sort(wanted, letter)
    }
    for (const [partitionId, those] of wanted) {
      const [from] = this.#state.shares.locate(those.map((letter) => letter.partitionId))
      if (from === undefined) continue
      this.#append(partitionId, deadLetterStubs(those, { ...this.#terms, from }))
    }
  }

  #append(partitionId: PartitionId, { letters, batch }: Copy): void {
    this.#appends.add(partitionId, batch)
    this.#put(letters, 'written')
  }

  #put(letters: readonly DeadLetter[], outcome: LetterOutcome, error?: unknown): void {
    if (error !== undefined && letters.length > 0) this.errors.add(error)
    for (const letter of letters) this.ends.push({ letter, outcome, error })
  }
}

function noTopic({ topic }: DeadLetter): TabmqError {
  return new TabmqError('UNKNOWN_TOPIC_OR_PARTITION', `there is no topic "${topic}"`, { topic })
}
