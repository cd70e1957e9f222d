/**
 * Reads for share groups: looks through batches for what the broker must know of single records before
 * they can be taken, and fetches the batches of what was taken. What was looked through is kept for
 * the delivery that mostly follows, so that a backlog is read from the disk once.
 */
import { definedOrThrow } from '../../std/assert.js'
import { fromWireError, type ErrorCode, type WireError } from '../../protocol/errors.js'
import type { GroupId, PartitionId, SessionId } from '../../protocol/names.js'
import type { AssignedPartition } from '../../protocol/requests/partitions.js'
import type {
  AcquiredRange,
  Acknowledgement,
  KeptBatchId,
  SharedPartition,
} from '../../protocol/requests/share-groups.js'
import type { Granted, ShareCoordinator } from '../share/share-coordinator.js'
import type { DecisionContext } from '../records.js'
import type { BrokerState } from './broker-state.js'
import { KeptBatches, type KeptBatch } from './kept-batches.js'
import type { LogReader } from './log-reader.js'

/** What is looked through at once. */
const LOOK_BYTES = 1024 * 1024
/** What is kept of it, of all partitions. */
const KEPT_BYTES_MAX = 16 * 1024 * 1024
/** What was taken and cannot be read is tried again, as often as anything is delivered. */
const UNREADABLE_DELAY_MS = 30_000
/** What is not there any more. */
const GONE: ReadonlySet<ErrorCode> = new Set(['OFFSET_OUT_OF_RANGE', 'UNKNOWN_TOPIC_OR_PARTITION'])

interface Look {
  readonly whose: SessionId
  /** How many records could be delivered now, if there were as many; and how many bytes. */
  readonly maxRecords: number
  readonly maxBytes: number
}

interface Terms {
  readonly whose: SessionId
  readonly maxBytes: number
  /** Batches that are not to come along: the member has them. */
  readonly kept?: readonly KeptBatchId[] | undefined
  readonly isMoot: () => boolean
}

interface Read {
  readonly partitions: readonly SharedPartition[]
  /** What did not fit, or cannot be read. */
  readonly leftOut: readonly Acknowledgement[]
}

export class ShareReader {
  readonly #reader: LogReader
  readonly #state: () => BrokerState
  readonly #context: () => DecisionContext
  readonly #kept = new KeptBatches(KEPT_BYTES_MAX)

  constructor(reader: LogReader, state: () => BrokerState, context: () => DecisionContext) {
    this.#reader = reader
    this.#state = state
    this.#context = context
  }

  get #shares(): ShareCoordinator {
    return this.#state().shares
  }

  /**
   * Looks on in the group's partitions until there is enough to deliver, or nothing more.
   * @throws TabmqError when the storage fails
   */
  async see(groupId: GroupId, { whose, maxRecords, maxBytes }: Look): Promise<void> {
    let bytesLeft = maxBytes
    while (bytesLeft > 0) {
      const wanted = this.#shares.wantedFacts(groupId, maxRecords, this.#context())
      if (wanted.length === 0) return
      const partitions = wanted.map(({ partitionId, seenTo }) => ({
        partitionId,
        offset: seenTo,
        maxBytes: LOOK_BYTES,
      }))
      const results = await this.#reader.fetch(partitions, {
        maxBytes: LOOK_BYTES * partitions.length,
        whose,
        isMoot: () => false,
      })
      let isMore = false
      for (const result of results) {
        const { partitionId } = result
        if (result.error === undefined) {
          for (const batch of result.batches) {
            bytesLeft -= batch.byteLength
            isMore = this.#see(partitionId, batch) || isMore
          }
        } else {
          // What cannot be read is nobody's: it is passed over.
          const broken = brokenIn(result.error)
          if (broken === undefined) continue
          isMore = this.#shares.seeNothing(partitionId, broken.offset, broken.nextOffset) || isMore
        }
      }
      if (!isMore) return
    }
  }

  #see(partitionId: PartitionId, batch: ArrayBuffer): boolean {
    this.#reader.share(batch)
    this.#kept.add(partitionId, batch)
    return this.#shares.see(partitionId, batch)
  }

  /** The batches of what was taken for one member, as many as fit. */
  async read(granted: Granted, terms: Terms): Promise<Read> {
    const basket = new Basket(terms)
    for (const { partitionId, acquired } of granted.partitions) {
      const [located] = this.#shares.locate([partitionId])
      if (located === undefined) continue
      basket.nextPartition(located)
      for (const range of acquired) await this.#readRange(basket, range, terms)
    }
    this.#kept.forgetBelow((partitionId) => this.#shares.neededFrom(partitionId))
    return basket
  }

  async #readRange(basket: Basket, range: AcquiredRange, terms: Terms): Promise<void> {
    let offset = Math.max(range.firstOffset, Math.min(basket.readTo, range.lastOffset + 1))
    let from = range.firstOffset
    while (offset <= range.lastOffset && basket.hasRoom) {
      const found = await this.#batchAt(basket.partitionId, offset, terms)
      if (found === 'gone') break
      if ('batch' in found) basket.putBatch(found)
      else {
        const sound = { ...range, firstOffset: from, lastOffset: offset - 1 }
        if (sound.lastOffset >= from) basket.put(sound, { untilOffset: offset })
        from = Math.min(found.nextOffset, range.lastOffset + 1)
        basket.leaveOut({ ...range, firstOffset: offset, lastOffset: from - 1 })
      }
      offset = found.nextOffset
    }
    if (from <= range.lastOffset)
      basket.put({ ...range, firstOffset: from }, { untilOffset: offset })
  }

  /**
   * One batch, for what is to be taken out of it; undefined when it is gone, or cannot be read.
   * @throws TabmqError when the storage fails
   */
  async batchAt(
    partitionId: PartitionId,
    offset: number,
    whose: SessionId,
  ): Promise<ArrayBuffer | undefined> {
    const terms = { whose, maxBytes: LOOK_BYTES, isMoot: () => false }
    const found = await this.#batchAt(partitionId, offset, terms)
    return found !== 'gone' && 'batch' in found ? found.batch : undefined
  }

  /** @throws TabmqError when the storage fails */
  async #batchAt(
    partitionId: PartitionId,
    offset: number,
    { whose, isMoot }: Terms,
  ): Promise<KeptBatch | Broken | 'gone'> {
    const kept = this.#kept.find(partitionId, offset)
    if (kept !== undefined) return kept
    const [result] = await this.#reader.fetch([{ partitionId, offset, maxBytes: LOOK_BYTES }], {
      maxBytes: LOOK_BYTES,
      whose,
      isMoot,
    })
    if (result === undefined) return 'gone'
    if (result.error !== undefined) return brokenIn(result.error) ?? 'gone'
    let found: KeptBatch | undefined
    for (const batch of result.batches) {
      this.#reader.share(batch)
      const one = this.#kept.add(partitionId, batch)
      if (one.baseOffset <= offset && offset < one.nextOffset) found = one
    }
    return found ?? 'gone'
  }
}

/** Offsets from the one up to the other that cannot be read. */
interface Broken {
  readonly offset: number
  readonly nextOffset: number
}

/**
 * What cannot be read; undefined when it is not there any more.
 * @throws TabmqError when the storage fails
 */
function brokenIn(error: WireError): Broken | undefined {
  if (GONE.has(error.code)) return undefined
  const { offset, nextOffset } = error.details
  const isBroken = error.code === 'CORRUPT_MESSAGE'
  if (isBroken && typeof offset === 'number' && typeof nextOffset === 'number') {
    return { offset, nextOffset }
  }
  throw fromWireError(error)
}

/** What one member gets, as it is put together. */
class Basket implements Read {
  readonly partitions: OpenPartition[] = []
  readonly leftOut: Acknowledgement[] = []
  /** To which offset of the partition it has batches. */
  readTo = 0
  #current: OpenPartition | undefined
  #bytesLeft: number
  readonly #isKept: ReadonlySet<string>

  constructor({ maxBytes, kept = [] }: Terms) {
    this.#bytesLeft = maxBytes
    this.#isKept = new Set(kept.map(keyOf))
  }

  /** The first batch always has. */
  get hasRoom(): boolean {
    return this.#bytesLeft > 0
  }

  get partitionId(): PartitionId {
    return this.#open.partitionId
  }

  nextPartition(located: AssignedPartition): void {
    this.#current = { ...located, batches: [], acquired: [] }
    this.readTo = 0
  }

  putBatch({ batch, baseOffset, nextOffset }: KeptBatch): void {
    const partition = this.#open
    if (this.partitions.at(-1) !== partition) this.partitions.push(partition)
    this.readTo = nextOffset
    if (this.#isKept.has(keyOf({ partitionId: partition.partitionId, baseOffset }))) return
    partition.batches.push(batch)
    this.#bytesLeft -= batch.byteLength
  }

  /** What of the range is in the batches; the rest is for somebody else, or for later. */
  put(range: AcquiredRange, { untilOffset }: { untilOffset: number }): void {
    const { partitionId, acquired } = this.#open
    const lastOffset = Math.min(range.lastOffset, untilOffset - 1)
    if (lastOffset >= range.firstOffset) acquired.push({ ...range, lastOffset })
    if (lastOffset === range.lastOffset) return
    const rest = { ...range, partitionId, firstOffset: lastOffset + 1 }
    this.leftOut.push({ ...rest, type: 'return' })
  }

  /** It cannot be read, now or later, and comes to its end as what nobody can handle. */
  leaveOut(range: AcquiredRange): void {
    const { partitionId } = this.#open
    this.leftOut.push({ ...range, partitionId, type: 'release', delayMs: UNREADABLE_DELAY_MS })
  }

  get #open(): OpenPartition {
    return definedOrThrow(this.#current, () => 'no partition is being read')
  }
}

function keyOf({ partitionId, baseOffset }: KeptBatchId): string {
  return `${partitionId} ${baseOffset}`
}

interface OpenPartition extends AssignedPartition {
  readonly batches: ArrayBuffer[]
  readonly acquired: AcquiredRange[]
}
