/**
 * A partition for as long as this consumer holds it: what is fetched and not yet delivered, where
 * delivery stands, and what of it is handled and committed. A seek or a pause starts a new version:
 * whatever belongs to an older one (a fetch under way, a running handler's rest) no longer counts.
 */
import type { AssignedPartition } from '../../protocol/requests/partitions.js'
import { nextOffsetOf, parseBatchHeader } from '../../protocol/batch-header.js'
import type { PartitionId, TopicName } from '../../protocol/names.js'

/** What an ownership that ended with its broker had handled, and may not have committed any more. */
interface Progress {
  readonly committed: number | undefined
  readonly from: number
  readonly upTo: number
}

export class OwnedPartition {
  readonly partitionId: PartitionId
  readonly topic: TopicName
  readonly partition: number
  readonly #abort = new AbortController()
  #buffer: ArrayBuffer[] = []
  #bufferedBytes = 0
  /** The next offset to fetch; undefined until it is known where to start. */
  #fetchOffset: number | undefined
  /** The next offset to deliver. */
  #position: number | undefined
  /** The next offset after all that is handled: what a commit says. */
  #handledUpTo: number | undefined
  /** From there on to `handledUpTo` everything is handled. */
  #handledFrom = 0
  #committed: number | undefined
  /** Something moved the position since the last commit. */
  #mayGoBack = false
  #version = 0
  /** The version that the last seek began: what is older says nothing about the new position. */
  #seekVersion = 0
  /** Where a seek went that nothing has followed yet. */
  #soughtTo: number | undefined
  /** Where something cannot be read. */
  #damagedAt: number | undefined
  #isPaused = false
  #isReleased = false
  highWatermark = 0
  #before: Progress | undefined
  /** Failed attempts in a row at the message at `position`. */
  failures = 0
  /** Delivery waits until then, after a failure. */
  deliverNotBeforeMs = 0
  /** Fetching waits until then, after an error. */
  fetchNotBeforeMs = 0

  constructor({ partitionId, topic, partition }: AssignedPartition) {
    this.partitionId = partitionId
    this.topic = topic
    this.partition = partition
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Whether messages of it may be delivered. */
  get isHeld(): boolean {
    return !this.#abort.signal.aborted
  }

  /** Whether offsets of it may still be committed. */
  get isCommittable(): boolean {
    return !this.#isReleased
  }

  get version(): number {
    return this.#version
  }

  get fetchOffset(): number | undefined {
    return this.#fetchOffset
  }

  get position(): number | undefined {
    return this.#position
  }

  get soughtTo(): number | undefined {
    return this.#soughtTo
  }

  /** Whether anything is known of what is handled, here or before. */
  get hasProgress(): boolean {
    return this.#progress !== undefined
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  /** It has come to what cannot be read. */
  get isStopped(): boolean {
    return this.#damagedAt !== undefined && this.#damagedAt === this.#fetchOffset
  }

  get damagedAt(): number | undefined {
    return this.#damagedAt
  }

  get hasBuffered(): boolean {
    return this.#buffer.length > 0
  }

  /**
   * What would be committed now, if it is not committed already. It goes back after a seek only. A
   * seek beyond the end of the log, as far as that is known, is not: the next fetch tells, and resets
   * it.
   */
  get uncommitted(): number | undefined {
    if ((this.#soughtTo ?? 0) > this.highWatermark) return undefined
    const handled = this.#handledUpTo
    if (handled === undefined || handled === this.#committed) return undefined
    // What was committed by hand is further than what is handled while its handler still runs.
    const isBehind = this.#committed !== undefined && handled < this.#committed
    return isBehind && !this.#mayGoBack ? undefined : handled
  }

  /** Another ownership of it by the same consumer has ended with its broker. */
  follow(before: OwnedPartition): void {
    this.#before = before.#progress
  }

  /**
   * Where to start, found out from the broker: there, or where this consumer itself had got to
   * before it lost the partition. Not if somebody else has committed in between, or has set the offset
   * back: then what follows may not be handled, or is to be handled again. A seek made meanwhile wins.
   */
  startAt(offset: number): void {
    this.#committed = offset
    if (this.#position !== undefined) return
    const before = this.#before
    const isOwn = before !== undefined && isOwnCommit(before, offset)
    this.#handledFrom = isOwn ? Math.max(offset, before.from) : offset
    this.#position = isOwn ? Math.max(offset, before.upTo) : offset
    this.#fetchOffset = this.#position
    this.#handledUpTo = this.#position
  }

  seek(offset: number): void {
    this.#restartAt(offset)
    this.#damagedAt = undefined
    this.#seekVersion = this.#version
    this.#soughtTo = offset
    this.#handledFrom = offset
    this.#handledUpTo = offset
    this.#mayGoBack = true
    this.failures = 0
    this.deliverNotBeforeMs = 0
    this.fetchNotBeforeMs = 0
  }

  /**
   * The position is out of range: go on elsewhere. That is committed like what is handled, or whoever
   * takes over, still out of range, would go to an end of the log that has moved on.
   */
  resetTo(offset: number): void {
    this.#restartAt(offset)
    this.#seekVersion = this.#version
    this.#soughtTo = undefined
    this.#handledFrom = offset
    this.#handledUpTo = offset
    this.#mayGoBack = true
  }

  /** Somebody has committed so much: what is below is done, whatever was handled here. */
  goOnAt(offset: number): void {
    this.#restartAt(offset)
    this.#seekVersion = this.#version
    this.#soughtTo = undefined
    this.#handledFrom = offset
    this.#handledUpTo = offset
    this.#committed = offset
    this.#mayGoBack = false
  }

  pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.#restartAt(this.#position)
  }

  /** Whoever resumes expects an attempt: what failed before the pause is tried at once. */
  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.failures = 0
    this.deliverNotBeforeMs = 0
    this.#damagedAt = undefined
  }

  /** Takes in what a fetch of `requestedOffset` brought, unless that is no longer what is wanted. */
  addFetched(
    requestedOffset: number,
    fetched: { batches: readonly ArrayBuffer[]; highWatermark: number },
  ): boolean {
    if (!this.isHeld || this.#isPaused || requestedOffset !== this.#fetchOffset) return false
    this.highWatermark = fetched.highWatermark
    for (const batch of fetched.batches) {
      this.#buffer.push(batch)
      this.#bufferedBytes += batch.byteLength
    }
    const last = fetched.batches.at(-1)
    if (last !== undefined) this.#fetchOffset = nextOffsetOf(parseBatchHeader(last))
    return true
  }

  /** Takes buffered batches out, up to `bytesMax` and at least one. */
  take(bytesMax: number): ArrayBuffer[] {
    const taken: ArrayBuffer[] = []
    let bytes = 0
    for (const batch of this.#buffer) {
      if (taken.length > 0 && bytes + batch.byteLength > bytesMax) break
      taken.push(batch)
      bytes += batch.byteLength
    }
    this.#buffer = this.#buffer.slice(taken.length)
    this.#bufferedBytes -= bytes
    return taken
  }

  /** All before `nextOffset` is handled, unless a seek has made that void since `version`. */
  handled(version: number, nextOffset: number): void {
    if (version < this.#seekVersion) return
    this.#soughtTo = undefined
    this.#position = nextOffset
    this.#handledUpTo = nextOffset
    this.failures = 0
    if ((this.#fetchOffset ?? 0) < nextOffset) this.#restartAt(nextOffset)
  }

  /**
   * `version`: of when the offset was what is handled. A seek since then is still to be committed, or has to
   * be once more.
   */
  committed(offset: number, version = this.#version): void {
    this.#committed = offset
    this.#mayGoBack = version < this.#seekVersion
  }

  /** What is at this offset cannot be read: it is not fetched (again) until a seek. */
  stopAt(offset: number | undefined): void {
    this.#damagedAt = offset
  }

  /** Puts what was not handled back: it is fetched and delivered again. */
  redeliver(): void {
    this.#restartAt(this.#position)
  }

  /** It is to be let go: handlers are told to end, what they handle can still be committed. */
  beginRevocation(): void {
    this.#abort.abort()
    this.#buffer = []
    this.#bufferedBytes = 0
  }

  /** It is gone. */
  release(): void {
    this.beginRevocation()
    this.#isReleased = true
  }

  get #progress(): Progress | undefined {
    const upTo = this.#handledUpTo
    if (upTo === undefined) return this.#before
    return { committed: this.#committed, from: this.#handledFrom, upTo }
  }

  #restartAt(offset: number | undefined): void {
    this.#version += 1
    this.#buffer = []
    this.#bufferedBytes = 0
    this.#position = offset
    this.#fetchOffset = offset
  }
}

/** Whether it is what was known to be committed, or may be of a later commit whose answer was lost. */
function isOwnCommit({ committed = -1, from, upTo }: Progress, offset: number): boolean {
  return offset === committed || (offset >= Math.max(from, committed) && offset < upTo)
}
