/** What an app sends: the types of a message and its parts, before anything is encoded. */
import type { Headers } from '../codec/headers.js'

/** What a key can be. A string is hashed and stored as its UTF-8 bytes. */
export type MessageKey = string | Uint8Array

/**
 * A message as it is handed to `send`.
 *
 * @example
 * { key: 'cart-17', value: { items: 3 }, headers: { source: 'checkout' } }
 */
export interface Message {
  /**
   * Messages of one key go to one partition and so stay in order. Without one (absent or null) they
   * are spread over the partitions.
   */
  readonly key?: MessageKey | null
  /** Whatever the producer's codec can encode; null is a tombstone: the key's value is gone. */
  readonly value: unknown
  readonly headers?: Headers
  /** In ms since 1970; default: the time of `send`. */
  readonly timestamp?: number
  /** A partition number, from 0; overrides the partitioner. */
  readonly partition?: number
  /**
   * Share groups do not deliver it before: a Date, or in ms since 1970. Consumer groups, which keep
   * the order of a partition, deliver it in its turn.
   */
  readonly deliverAt?: number | Date
  /** The same as so many ms after the call of `send`. */
  readonly delayMs?: number
  /** Share groups do not deliver it from then on: a Date, or in ms since 1970. */
  readonly expiresAt?: number | Date
  /** The same as so many ms after the call of `send`. */
  readonly ttlMs?: number
  /** 0 (default) to 9: share groups deliver higher ones first. */
  readonly priority?: number
  /**
   * 1 to 256 characters. In a topic with a `dedupWindowMs`, another message with the same id within the
   * window is a repeat: it is not stored, and `send` tells where the first one is.
   */
  readonly messageId?: string
}
