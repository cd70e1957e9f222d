/**
 * Collects what is said of messages and tells the broker: neighbours of which the same is said as one range,
 * one request at a time, with everything that was said while the last one was under way.
 */
import { fromWireError, hasCode, TabmqError } from '../../protocol/errors.js'
import { SHARE_FETCH_RECORDS_MAX, STORE_REQUEST_ENTRIES_MAX } from '../../protocol/limits.js'
import type { GroupId, MemberId } from '../../protocol/names.js'
import type { RequestOf } from '../../protocol/requests/request.js'
import type { Acknowledgement, AcknowledgementType } from '../../protocol/requests/share-groups.js'
import type { StoreWrite } from '../../protocol/requests/stores.js'
import { deferred, type Deferred } from '../../std/deferred.js'
import type { Connection } from '../connection.js'
import type { ClientHost } from '../host.js'
import { backoffMs } from '../retry-backoff.js'
import { bytesOf, countOf, REQUEST_BYTES_MAX } from '../store/store-changes.js'
import type { HeldMessage } from './held-message.js'

const RETRY_BACKOFF = { firstMs: 50, maxMs: 2_000 }

export interface Said {
  readonly type: AcknowledgementType
  readonly delayMs?: number
  readonly reason?: string
  readonly store?: StoreWrite
}

export interface AcknowledgerOptions {
  readonly host: ClientHost
  readonly connection: Connection
  readonly groupId: GroupId
  readonly memberId: MemberId
  /** Called when the broker says that the lock of a message was gone. */
  readonly onLost: (held: HeldMessage, error: TabmqError) => void
  /** What was said of a message could not be told, and nobody waits to hear of it. */
  readonly onFailed: (held: HeldMessage, error: unknown) => void
}

interface Entry {
  readonly held: HeldMessage
  readonly said: Said
  /** Absent where nobody waits. */
  readonly done: Deferred<void> | undefined
  /** It was refused together with its neighbours, and is told once more by itself. */
  readonly isAlone?: boolean
}

interface Range {
  readonly acknowledgement: Acknowledgement
  readonly entries: readonly Entry[]
}

export class Acknowledger {
  readonly #options: AcknowledgerOptions
  readonly #queue: Entry[] = []
  #sending: Promise<void> | undefined
  #isClosed = false

  constructor(options: AcknowledgerOptions) {
    this.#options = options
  }

  /** Resolves when it is durable; with nobody to wait for it, errors are told by `onLost` alone. */
  say(held: HeldMessage, said: Said): Promise<void> {
    const done = deferred<void>()
    this.#add({ held, said, done })
    return done.promise
  }

  sayQuietly(held: HeldMessage, said: Said): void {
    this.#add({ held, said, done: undefined })
  }

  /** Resolves when everything that was said so far is told, or cannot be told any more. */
  async flush(): Promise<void> {
    await this.#sending
  }

  /** In the last moment of the page. */
  post(): void {
    const ranges = this.#takeRanges()
    if (ranges.length > 0) this.#options.connection.post(this.#request(ranges, false))
    // Nobody will tell whether it was heard; the page may come back and want to know.
    for (const { entries } of ranges) {
      for (const { held, done } of entries) {
        if (done === undefined) continue
        this.#options.onLost(held, lockLost(held, undefined))
        done.reject(lockLost(held, undefined))
      }
    }
  }

  /** The broker that knew the locks is gone: what is said of them means nothing to the next. */
  rejectWaiting(error: TabmqError): void {
    for (const { held, done } of this.#queue.splice(0)) {
      this.#options.onLost(held, lockLost(held, error))
      done?.reject(lockLost(held, error))
    }
  }

  close(): void {
    this.#isClosed = true
  }

  #add(entry: Entry): void {
    this.#queue.push(entry)
    this.#sending ??= this.#sendAll()
  }

  async #sendAll(): Promise<void> {
    // What is said in one turn goes together.
    await Promise.resolve()
    while (this.#queue.length > 0) await this.#send(this.#takeRanges())
    this.#sending = undefined
  }

  async #send(ranges: readonly Range[]): Promise<void> {
    const { connection, host } = this.#options
    const isAwaited = ranges.some(({ entries }) => entries.some(({ done }) => done !== undefined))
    const request = this.#request(ranges, !isAwaited)
    for (let attempt = 1; ; attempt++) {
      try {
        const { results } = await connection.call(request, { isRepeatable: false })
        for (const [index, range] of ranges.entries()) {
          const { error } = results[index] ?? {}
          if (error === undefined) this.#settle(range, undefined)
          else if (range.entries.length === 1) this.#settle(range, fromWireError(error))
          // One of them may be what was refused, and the others sound.
          else this.#queue.push(...range.entries.map((entry) => ({ ...entry, isAlone: true })))
        }
        return
      } catch (error) {
        const mayPass = hasCode(error, 'REQUEST_TIMED_OUT', 'THROTTLING_QUOTA_EXCEEDED')
        const isLocked = ({ held }: Entry) => held.lockedUntilMs > host.nowMs()
        const isWorthIt = ranges.some(({ entries }) => entries.some(isLocked))
        if (!mayPass || !isWorthIt || this.#isClosed) {
          for (const range of ranges) this.#settle(range, error)
          return
        }
        const random = () => host.random()
        const delayMs = backoffMs(attempt, { ...RETRY_BACKOFF, random })
        await new Promise<void>((resolve) => {
          host.setTimer(delayMs, resolve)
        })
      }
    }
  }

  #settle({ entries }: Range, error: unknown): void {
    const isLost = hasCode(
      error,
      'INVALID_RECORD_STATE',
      'UNKNOWN_MEMBER_ID',
      'BROKER_UNAVAILABLE',
      'UNKNOWN_TOPIC_OR_PARTITION',
    )
    for (const { held, done } of entries) {
      if (error === undefined) {
        done?.resolve()
      } else {
        if (isLost) this.#options.onLost(held, lockLost(held, error))
        else if (done === undefined) this.#options.onFailed(held, error)
        done?.reject(isLost ? lockLost(held, error) : error)
      }
    }
  }

  #request(ranges: readonly Range[], mayLinger: boolean): RequestOf<'shareAcknowledge'> {
    const { groupId, memberId } = this.#options
    const acknowledgements = ranges.map(({ acknowledgement }) => acknowledgement)
    return { api: 'shareAcknowledge', groupId, memberId, acknowledgements, mayLinger }
  }

  #takeRanges(): Range[] {
    const ranges: { acknowledgement: Acknowledgement; entries: Entry[] }[] = []
    let count = 0
    const changes = { count: 0, bytes: 0 }
    // Handlers end in any order; of one message what was said first stays first.
    this.#queue.sort(byOffset)
    for (const entry of this.#queue) {
      const last = ranges.at(-1)
      const isAlone = entry.isAlone === true || last?.entries[0]?.isAlone === true
      if (last !== undefined && !isAlone && continues(last.acknowledgement, entry)) {
        const { acknowledgement, entries } = last
        last.acknowledgement = { ...acknowledgement, lastOffset: entry.held.record.offset }
        entries.push(entry)
      } else {
        if (ranges.length >= SHARE_FETCH_RECORDS_MAX) break
        if (isTooMuch(changes, entry.said.store)) break
        ranges.push({ acknowledgement: acknowledgementOf(entry), entries: [entry] })
      }
      count += 1
    }
    this.#queue.splice(0, count)
    return ranges
  }
}

function acknowledgementOf({ held, said }: Entry): Acknowledgement {
  const { partition, record, deliveryCount } = held
  return {
    partitionId: partition.partitionId,
    firstOffset: record.offset,
    lastOffset: record.offset,
    deliveryCount,
    ...said,
  }
}

/** Changes of stores stay in the order in which they were said, behind what changes none. */
function byOffset(a: Entry, b: Entry): number {
  const { partition, record } = a.held
  const haveChanges = Number(a.said.store !== undefined) - Number(b.said.store !== undefined)
  if (haveChanges !== 0 || a.said.store !== undefined) return haveChanges
  return (
    partition.partitionId - b.held.partition.partitionId || record.offset - b.held.record.offset
  )
}

/** Whether they do not go into the same request; if they do, counts them. */
function isTooMuch(changes: { count: number; bytes: number }, store: StoreWrite | undefined) {
  if (store === undefined) return false
  const isFirst = changes.count === 0
  changes.count += countOf(store)
  changes.bytes += bytesOf(store)
  const isOver = changes.count > STORE_REQUEST_ENTRIES_MAX || changes.bytes > REQUEST_BYTES_MAX
  return isOver && !isFirst
}

function continues(before: Acknowledgement, { held, said }: Entry): boolean {
  return (
    before.partitionId === held.partition.partitionId &&
    before.lastOffset + 1 === held.record.offset &&
    before.deliveryCount === held.deliveryCount &&
    before.type === said.type &&
    before.store === undefined &&
    said.store === undefined &&
    before.delayMs === said.delayMs &&
    before.reason === said.reason
  )
}

export function lockLost({ partition, record }: HeldMessage, cause: unknown): TabmqError {
  const { topic, partition: number } = partition
  return new TabmqError(
    'INVALID_RECORD_STATE',
    `the lock of ${topic}-${number}@${record.offset} is gone: the message may come again`,
    { topic, partition: number, offset: record.offset },
    cause,
  )
}
