/**
 * What is recorded of a chaos run, in the order in which the runner heard of it. Tabs tell what they
 * do over HTTP, so that what has arrived survives any of them; the runner adds what it does to them.
 *
 * That order is the true one where it matters, because a tab waits until it was heard before it goes
 * on: before it sends, before a handler returns, before it lets go of a partition. What was told and
 * lost on its way errs to the safe side: an acknowledgement that was not heard makes a send unknown,
 * a handler that was not heard never started. Nothing waits for what a tab only learns or does by
 * itself: that it has joined, and that it has lost a partition, may be heard after what the next owner
 * does with it. Nor is the order known of what two tabs do at the same time.
 */
import type { Acks } from '../../src/protocol/requests/log.js'
import type { MessageId, Place } from '../sim/history.js'

export interface RecordedSend {
  readonly producer: string
  readonly topic: string
  readonly ids: readonly MessageId[]
  readonly acks: Acks
  readonly isIdempotent: boolean
}

/** A consumer, and which of its memberships it is: a count of how often it has joined. */
export interface RecordedReader {
  readonly consumer: string
  readonly groupId: string
  readonly groupInstanceId: string | undefined
  readonly memberId: string | undefined
  readonly memberEpoch: number
  readonly membership: number
}

export interface RecordedError {
  /** Undefined for what is no TabmqError. */
  readonly code: string | undefined
  readonly message: string
}

export interface RecordedMessage {
  readonly reader: RecordedReader
  readonly place: Place
  readonly offset: number
  readonly id: MessageId
}

/** A delivery of a share group. */
export interface RecordedJob {
  readonly consumer: string
  readonly place: Place
  readonly offset: number
  readonly id: MessageId
  readonly deliveryCount: number
}

/** Its work is done, told before it is accepted; and that an acknowledgement is on the disk. */
export type JobEvent = { readonly type: 'jobDone' | 'jobAccepted' | 'jobRejected' } & RecordedJob

/** What a tab tells of itself. */
export type TabEvent =
  | { readonly type: 'sending'; readonly sends: readonly RecordedSend[] }
  | {
      readonly type: 'sent'
      /** The first message of the send. */
      readonly id: MessageId
      readonly results: readonly { readonly partition: number; readonly baseOffset: number }[]
    }
  | { readonly type: 'called'; readonly call: number; readonly name: string }
  | {
      readonly type: 'settled'
      readonly call: number
      readonly error: RecordedError | undefined
    }
  /** A call has outlived its own timeout by far. */
  | {
      readonly type: 'overdue'
      readonly call: number
      readonly name: string
      readonly awakeMs: number
    }
  | ({ readonly type: 'handling' } & RecordedMessage)
  | ({ readonly type: 'handled' } & RecordedMessage)
  | ({ readonly type: 'threw' } & RecordedMessage)
  | JobEvent
  /** A request of this tab has its answer. */
  | { readonly type: 'answered'; readonly id: number; readonly answer: number }
  /** The consumer has joined its group. */
  | { readonly type: 'joined'; readonly reader: RecordedReader }
  | Holding
  | { readonly type: 'stopped'; readonly reader: RecordedReader }
  | {
      readonly type: 'committed'
      readonly reader: RecordedReader
      readonly offsets: readonly (Place & { readonly offset: number })[]
    }
  | {
      readonly type: 'sought'
      readonly groupId: string
      readonly consumer: string
      readonly place: Place
      readonly offset: number
    }
  | { readonly type: 'crashed'; readonly reader: RecordedReader; readonly error: RecordedError }
  | { readonly type: 'uncaught'; readonly error: RecordedError }

export interface Holding {
  readonly type: 'assigned' | 'revoked' | 'lost'
  readonly reader: RecordedReader
  readonly places: readonly Place[]
}

/** What the runner does, and sees from outside. */
export type RunnerEvent =
  | { readonly type: 'tabStarted'; readonly tab: string }
  /** It is dead, or about to be: what is heard of it later was under way. */
  | { readonly type: 'tabDied'; readonly tab: string }
  /** Frozen, or in the back/forward cache; told before it is, and after it is no more. */
  | { readonly type: 'froze'; readonly tab: string }
  | { readonly type: 'resumed'; readonly tab: string }
  | { readonly type: 'brokerStarted' }
  | { readonly type: 'brokerDied' }
  /** What stands in a worker's console. */
  | { readonly type: 'workerSaid'; readonly level: 'warn' | 'error'; readonly text: string }
  /** The runner begins to look at what is committed on the disk, and has seen it. */
  | { readonly type: 'looking' }
  | { readonly type: 'offsets'; readonly rows: readonly OffsetOnDisk[] }
  | { readonly type: 'struck'; readonly fault: string; readonly tab: string | undefined }
  /** Faults have ended, and everything is to recover. */
  | { readonly type: 'healing' }
  /** Everything has recovered, or was given up. */
  | { readonly type: 'healed' }
  /** Everything was closed, and nothing is under way any more. */
  | { readonly type: 'rest'; readonly illness: readonly string[] }

export type OffsetOnDisk = readonly [groupId: string, partitionId: number, offset: number]

export type RecordedEvent = { readonly atMs: number } & (
  | ({ readonly tab: string } & TabEvent)
  | RunnerEvent
)

/** The log as it stands in the database at the end, read without the broker. */
export interface StoredLog {
  readonly topics: readonly { readonly topic: string; readonly partitionIds: readonly number[] }[]
  readonly batches: readonly StoredBatch[]
}

export interface StoredBatch {
  readonly partitionId: number
  readonly baseOffset: number
  readonly batch: ArrayBuffer
}
