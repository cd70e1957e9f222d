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
}
