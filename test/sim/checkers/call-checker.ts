/**
 * Every call of a living tab settles, and when it fails, then with an error that says what happened
 * and that can happen: a bug must not hide behind a code that callers are used to.
 */
import { hasCode, TabmqError, type ErrorCode } from '../../../src/protocol/errors.js'
import { BROKER_LIMITS } from '../../../src/protocol/limits.js'
import type { Call, Checker, CheckerParts, SimEvent } from '../history.js'

/** What faults and fencing cause: everybody may get these. */
const EXPECTED: readonly ErrorCode[] = [
  'BROKER_UNAVAILABLE',
  'BROKER_SUPERSEDED',
  'REQUEST_TIMED_OUT',
  'STORAGE_ERROR',
  'STORAGE_FULL',
  'STORAGE_BLOCKED',
  'CLIENT_CLOSED',
  'ABORTED',
]

const EXPECTED_OF: Readonly<Record<string, readonly ErrorCode[]>> = {
  // A tab that is quitting may be followed by one with the same instance ids.
  run: ['FENCED_INSTANCE_ID'],
  messages: ['FENCED_INSTANCE_ID'],
  send: ['DELIVERY_TIMED_OUT', 'UNKNOWN_TOPIC_OR_PARTITION'],
  publish: [
    'DELIVERY_TIMED_OUT',
    'UNROUTABLE_MESSAGE',
    // A power cut has taken it.
    'UNKNOWN_EXCHANGE',
  ],
  bind: ['UNKNOWN_EXCHANGE', 'UNKNOWN_TOPIC_OR_PARTITION'],
  unbind: ['UNKNOWN_EXCHANGE', 'UNKNOWN_TOPIC_OR_PARTITION'],
  createPartitions: ['INVALID_PARTITIONS', 'UNKNOWN_TOPIC_OR_PARTITION'],
  createTopics: ['TOPIC_ALREADY_EXISTS'],
  fetchTopicOffsets: ['UNKNOWN_TOPIC_OR_PARTITION'],
  fetchTopicOffsetsByTimestamp: ['UNKNOWN_TOPIC_OR_PARTITION'],
  fetchTopicMetadata: ['UNKNOWN_TOPIC_OR_PARTITION'],
  fetchOffsets: ['UNKNOWN_TOPIC_OR_PARTITION'],
  deleteTopicRecords: ['UNKNOWN_TOPIC_OR_PARTITION', 'OFFSET_OUT_OF_RANGE'],
  deleteTopics: ['UNKNOWN_TOPIC_OR_PARTITION'],
  setOffsets: ['UNKNOWN_TOPIC_OR_PARTITION', 'OFFSET_OUT_OF_RANGE', 'NON_EMPTY_GROUP'],
  describeGroups: ['GROUP_ID_NOT_FOUND'],
  commitOffsets: [
    'UNKNOWN_MEMBER_ID',
    'FENCED_MEMBER_EPOCH',
    'STALE_MEMBER_EPOCH',
    'FENCED_INSTANCE_ID',
    'ILLEGAL_STATE',
    // The topic was deleted.
    'UNKNOWN_TOPIC_OR_PARTITION',
  ],
  // Whoever was to answer has failed as often as it may.
  request: ['DELIVERY_TIMED_OUT', 'REQUEST_FAILED'],
  acknowledge: ['INVALID_RECORD_STATE'],
  renew: ['INVALID_RECORD_STATE'],
  // A consumer says of itself that something failed.
  crash: [
    'STALE_MEMBER_EPOCH',
    'UNKNOWN_MEMBER_ID',
    'FENCED_MEMBER_EPOCH',
    'FENCED_INSTANCE_ID',
    // It was deleted under its reader.
    'UNKNOWN_TOPIC_OR_PARTITION',
    // There is no policy for where to start: the app has to say.
    'NO_OFFSET_FOR_PARTITION',
    'OFFSET_OUT_OF_RANGE',
  ],
  // The broker's log, when a write failed and the state is loaded again.
  broker: [],
}

/** Thrown by handlers of the workload. */
export class HandlerFailed extends Error {
  override readonly name: string = 'HandlerFailed'
}

export class CallChecker implements Checker {
  readonly name = 'calls'
  readonly #parts: CheckerParts
  readonly #pending = new Map<Call, number>()
  readonly #dead = new Set<string>()
  /** The clock was once a day ahead, and brokers may have forgotten producers. */
  #mayForget = false

  constructor(parts: CheckerParts) {
    this.#parts = parts
  }

  get pending(): readonly Call[] {
    return [...this.#pending.keys()]
  }

  on(event: SimEvent): void {
    switch (event.type) {
      case 'called':
        this.#pending.set(event.call, this.#parts.nowMs())
        return
      case 'settled':
        this.#pending.delete(event.call)
        this.#check(event.call.name, event.call.tab, event.error)
        return
      case 'crashed':
      case 'shareCrashed':
        this.#check('crash', event.reader.tab, event.error)
        return
      case 'uncaught':
        this.#check(event.where, event.where, event.error)
        return
      case 'clockJumped':
        if (event.byMs >= BROKER_LIMITS.producerExpirationMs) this.#mayForget = true
        return
      case 'tabDied':
        this.#dead.add(event.tab)
        for (const call of this.#pending.keys()) {
          if (call.tab === event.tab) this.#pending.delete(call)
        }
        return
      case 'rest':
        for (const [{ tab, name }, sinceMs] of this.#pending) {
          const forMs = this.#parts.nowMs() - sinceMs
          this.#parts.report(`${tab}: ${name} is pending for ${forMs} ms, and nothing happens`)
        }
        return
      default:
    }
  }

  #check(name: string, where: string, error: unknown): void {
    if (error === undefined || error instanceof HandlerFailed) return
    const expected = [...EXPECTED, ...(EXPECTED_OF[name] ?? [])]
    if (error instanceof TabmqError && expected.includes(error.code)) return
    if (this.#mayForget && hasCode(error, 'UNKNOWN_PRODUCER_ID')) return
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    const code = error instanceof TabmqError ? ` ${error.code}` : ''
    this.#parts.report(`${where}: ${name} failed with${code} ${text}`)
  }
}
