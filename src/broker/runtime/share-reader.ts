/**
 * Reads for share groups: looks through batches for what the broker must know of single records before
 * they can be taken, and fetches the batches of what was taken. What was looked through is kept for
 * the delivery that mostly follows, so that a backlog is read from the disk once.
 */
import { definedOrThrow } from '../../std/assert.js'
import { hasCode } from '../../protocol/errors.js'
import { nextOffsetOf, parseBatchHeader } from '../../protocol/batch-header.js'
import type { GroupId, PartitionId, SessionId } from '../../protocol/names.js'
import type {
  AcquiredRange,
  Acknowledgement,
  AssignedPartition,
  SharedPartition,
} from '../../protocol/requests.js'
import type { Granted, ShareCoordinator } from '../share/share-coordinator.js'
import type { DecisionContext } from '../records.js'
import type { BrokerState } from './broker-state.js'
import type { LogReader } from './log-reader.js'

/** What is looked through at once. */
const LOOK_BYTES = 1024 * 1024
/** What is kept of it, of all partitions. */
const KEPT_BYTES_MAX = 16 * 1024 * 1024
/** What was taken and cannot be read is tried again, as often as anything is delivered. */
const UNREADABLE_DELAY_MS = 30_000

interface Look {
  readonly whose: SessionId
  /** How many records could be delivered now, if there were as many. */
  readonly maxRecords: number
}

interface Terms {
  readonly whose: SessionId
  readonly maxBytes: number
  readonly isMoot: () => boolean
}

interface Read {
  readonly partitions: readonly SharedPartition[]
  /** What did not fit, or cannot be read. */
  readonly leftOut: readonly Acknowledgement[]
}

interface KeptBatch {
  readonly baseOffset: number
  readonly nextOffset: number
  readonly batch: ArrayBuffer
}

export class ShareReader {
  readonly #reader: LogReader
  readonly #state: () => BrokerState
  readonly #context: () => DecisionContext
  readonly #kept = new KeptBatches()

  constructor(reader: LogReader, state: () => BrokerState, context: () => DecisionContext) {
    this.#reader = reader
    this.#state = state
    this.#context = context
  }

  get #shares(): ShareCoordinator {
    return this.#state().shares
  }

  /** Looks on in the group's partitions until there is enough to deliver, or nothing more. */
  async see(groupId: GroupId, { whose, maxRecords }: Look): Promise<void> {
    for (;;) {
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
          for (const batch of result.batches) isMore = this.#see(partitionId, batch) || isMore
        } else {
          // What cannot be read is nobody's: it is passed over.
          const { offset, nextOffset } = result.error.details
          if (typeof offset !== 'number' || typeof nextOffset !== 'number') continue
          isMore = this.#shares.seeNothing(partitionId, offset, nextOffset) || isMore
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
    const basket = new Basket(terms.maxBytes)
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
    while (offset <= range.lastOffset && basket.hasRoom) {
      const found = await this.#batchAt(basket.partitionId, offset, terms)
      if (found === undefined) return basket.put(range, { untilOffset: offset, isBroken: true })
      basket.putBatch(found)
      offset = found.nextOffset
    }
    basket.put(range, { untilOffset: offset, isBroken: false })
  }

  /** One batch, for what is to be taken out of it; undefined when it is gone or cannot be read. */
  async batchAt(
    partitionId: PartitionId,
    offset: number,
    whose: SessionId,
  ): Promise<ArrayBuffer | undefined> {
    const terms = { whose, maxBytes: LOOK_BYTES, isMoot: () => false }
    return (await this.#batchAt(partitionId, offset, terms))?.batch
  }

  async #batchAt(
    partitionId: PartitionId,
    offset: number,
    { whose, isMoot }: Terms,
  ): Promise<KeptBatch | undefined> {
    const kept = this.#kept.find(partitionId, offset)
    if (kept !== undefined) return kept
    const [result] = await this.#reader.fetch([{ partitionId, offset, maxBytes: LOOK_BYTES }], {
      maxBytes: LOOK_BYTES,
      whose,
      isMoot,
    })
    if (result === undefined || result.error !== undefined) return undefined
    for (const batch of result.batches) {
      this.#reader.share(batch)
      this.#kept.add(partitionId, batch)
    }
    return this.#kept.find(partitionId, offset)
  }
}

/** What one member gets, as it is put together. */
class Basket implements Read {
  readonly partitions: OpenPartition[] = []
  readonly leftOut: Acknowledgement[] = []
  /** To which offset of the partition it has batches. */
  readTo = 0
  #current: OpenPartition | undefined
  #bytesLeft: number

  constructor(maxBytes: number) {
    this.#bytesLeft = maxBytes
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

  putBatch({ batch, nextOffset }: KeptBatch): void {
    const partition = this.#open
    if (partition.batches.length === 0) this.partitions.push(partition)
    partition.batches.push(batch)
    this.#bytesLeft -= batch.byteLength
    this.readTo = nextOffset
  }

  /** What of the range is in the batches; the rest is for somebody else, or for later. */
  put(
    range: AcquiredRange,
    { untilOffset, isBroken }: { untilOffset: number; isBroken: boolean },
  ): void {
    const { partitionId, acquired } = this.#open
    const lastOffset = Math.min(range.lastOffset, untilOffset - 1)
    if (lastOffset >= range.firstOffset) acquired.push({ ...range, lastOffset })
    if (lastOffset === range.lastOffset) return
    const rest = { ...range, partitionId, firstOffset: lastOffset + 1 }
    if (isBroken) this.leftOut.push({ ...rest, type: 'release', delayMs: UNREADABLE_DELAY_MS })
    else this.leftOut.push({ ...rest, type: 'return' })
  }

  get #open(): OpenPartition {
    return definedOrThrow(this.#current, () => 'no partition is being read')
  }
}

interface OpenPartition extends AssignedPartition {
  readonly batches: ArrayBuffer[]
  readonly acquired: AcquiredRange[]
}

/** Batches that were read and are likely to be asked for, by partition in the order of offsets. */
class KeptBatches {
  readonly #byPartition = new Map<PartitionId, KeptBatch[]>()
  #bytes = 0

  add(partitionId: PartitionId, batch: ArrayBuffer): void {
    const header = parse(batch)
    if (header === undefined) return
    const { baseOffset } = header
    const kept = this.#byPartition.get(partitionId) ?? []
    const index = indexAfter(kept, baseOffset)
    if (kept[index - 1]?.baseOffset === baseOffset) return
    kept.splice(index, 0, { baseOffset, nextOffset: nextOffsetOf(header), batch })
    this.#byPartition.set(partitionId, kept)
    this.#bytes += batch.byteLength
    this.#makeRoom(partitionId)
  }

  find(partitionId: PartitionId, offset: number): KeptBatch | undefined {
    const kept = this.#byPartition.get(partitionId) ?? []
    const found = kept[indexAfter(kept, offset) - 1]
    return found !== undefined && offset < found.nextOffset ? found : undefined
  }

  /** Lets go of batches that lie wholly below where any group still has something to take. */
  forgetBelow(neededFrom: (partitionId: PartitionId) => number): void {
    for (const [partitionId, kept] of this.#byPartition) {
      const from = neededFrom(partitionId)
      const count = kept.findIndex(({ nextOffset }) => nextOffset > from)
      this.#forget(partitionId, count < 0 ? kept.length : count)
    }
  }

  /** Of other partitions first, and of each the oldest. */
  #makeRoom(latest: PartitionId): void {
    for (const partitionId of [...this.#byPartition.keys(), latest]) {
      while (this.#bytes > KEPT_BYTES_MAX && this.#forget(partitionId, 1) > 0);
    }
  }

  #forget(partitionId: PartitionId, count: number): number {
    const kept = this.#byPartition.get(partitionId) ?? []
    const gone = kept.splice(0, count)
    for (const { batch } of gone) this.#bytes -= batch.byteLength
    if (kept.length === 0) this.#byPartition.delete(partitionId)
    return gone.length
  }
}

/** Where the first batch is that begins after the offset. */
function indexAfter(kept: readonly KeptBatch[], offset: number): number {
  let low = 0
  let high = kept.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((kept[middle]?.baseOffset ?? Infinity) <= offset) low = middle + 1
    else high = middle
  }
  return low
}

function parse(batch: ArrayBuffer) {
  try {
    return parseBatchHeader(batch)
  } catch (error) {
    if (hasCode(error, 'CORRUPT_MESSAGE')) return undefined
    throw error
  }
}
