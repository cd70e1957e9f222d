/** What a handler of a share group gets, and what a share consumer tells. */
import type { ReceivedMessage, TopicPartition } from '../consumer/delivery.js'
import type { StoreChanges } from '../store/store-changes.js'
import type { Reply } from '../request/reply.js'

/**
 * What becomes of a message. `accept`: it is done. `release`: somebody is to have it again. `reject`: nobody
 * is; it goes to the dead letter topic if the group has one.
 */
export type Acknowledgement = 'accept' | 'release' | 'reject'

/** How a message is acknowledged. */
export interface AcknowledgeOptions {
  /** Of a release: nobody gets it for so long, in ms. By default as `retry` says. */
  readonly delayMs?: number
  /** Of a rejection, for who reads the dead letter; at most 1,000 characters. */
  readonly reason?: string
  /** Of an acceptance: changes of the run's `transactionalStore`, in the same transaction. */
  readonly store?: StoreChanges
}

/** A message that is one member's for a while: nobody else has it until its lock is over. */
export interface ShareDelivery extends TopicPartition {
  readonly message: ReceivedMessage
  /** How often it was delivered, this time included: 1 for the first time. */
  readonly deliveryCount: number
  /** Aborts when the lock is lost: somebody else may have the message from then on. */
  readonly signal: AbortSignal
  /**
   * Says what becomes of the message; the first call counts. Resolves when that is on the disk, for a
   * rejection with its dead letter.
   * @throws TabmqError INVALID_RECORD_STATE when the lock was lost before, INVALID_CONFIG, STORAGE_FULL
   */
  readonly acknowledge: (type: Acknowledgement, options?: AcknowledgeOptions) => Promise<void>
  /**
   * The lock begins anew, for as long as the group's locks last.
   * @throws TabmqError INVALID_RECORD_STATE when the lock was lost before
   */
  readonly renew: () => Promise<void>
  /**
   * Answers the message if it is a request; it is acknowledged as ever. When it is rejected, or fails at its
   * last delivery, whoever asked hears that by itself.
   */
  readonly reply: Reply
}

/**
 * What it returns, and when, matters only with `onReturn`: then the message is accepted, together with the
 * changes that it returned if the run has a `transactionalStore`.
 */
export type ShareMessageHandler = (delivery: ShareDelivery) => unknown

/** What `shareConsumer.on` tells of, by name. */
export interface ShareConsumerEvents {
  /** The member is in the group, for the first time or again. */
  groupJoin: { readonly groupId: string; readonly memberId: string }
  /**
   * Something failed. `willRetry`: a handler threw and its message comes again, to this member or another, or
   * the broker could not be reached. Otherwise, with an `offset`, a handler threw whose message was
   * acknowledged before; without one, the consumer has stopped.
   */
  crash: {
    readonly error: unknown
    readonly willRetry: boolean
    readonly topic?: string
    readonly partition?: number
    readonly offset?: number
  }
  /**
   * A lock was lost, while the handler ran or before the broker had heard that it was done: somebody
   * else may have the message as well.
   */
  lockLost: TopicPartition & { readonly offset: number; readonly deliveryCount: number }
  /** The consumer runs no more: it was stopped, or it failed (after `crash`). */
  stop: Record<never, never>
}

export const SHARE_CONSUMER_EVENTS: readonly (keyof ShareConsumerEvents)[] = [
  'groupJoin',
  'crash',
  'lockLost',
  'stop',
]
