/**
 * Finds the messages of a request whose ids a topic knows already: from before, from an earlier batch of the
 * same request, or from earlier in the same batch. It changes nothing that is known; replay of what
 * was decided does.
 */
import { writeBatchHasVoid, type ReadBatchHeader } from '../../protocol/batch-header.js'
import type { PartitionId } from '../../protocol/names.js'
import type { RepeatedMessages } from '../../protocol/requests/log.js'
import type { TopicMessageIds } from './message-ids.js'
import { readMessageIds } from './read-message-ids.js'

interface Original {
  readonly partitionId: PartitionId
  readonly offset: number
}

/** Where a batch is, or is to go. */
export interface BatchPlace {
  readonly partitionId: PartitionId
  /** Undefined for a batch that was not appended. */
  readonly baseOffset: number | undefined
}

export interface FoundRepeats {
  /** Which records of the batch they are, in order. */
  readonly indexes: readonly number[]
  readonly originals: readonly Original[]
  /** Whether they are all that there is to deliver. */
  readonly areAll: boolean
}

/** Of one topic and one request. */
export class RepeatSearch {
  readonly #ids: TopicMessageIds
  readonly #nowMs: number
  /** By batches of this request that are to be appended. */
  readonly #added = new Map<string, Original>()

  constructor(ids: TopicMessageIds, nowMs: number) {
    this.#ids = ids
    this.#nowMs = nowMs
  }

  /**
   * Which messages of a batch that is not there yet are repeats. If some are to be appended, that is told to
   * whoever searches next.
   * @throws TabmqError CORRUPT_MESSAGE
   */
  ofNew(batch: ArrayBuffer, header: ReadBatchHeader, place: Required<Original>): FoundRepeats {
    const { partitionId, offset: baseOffset } = place
    const indexes: number[] = []
    const originals: Original[] = []
    const fresh = new Map<string, Original>()
    const deliveredCount = readMessageIds(batch, header, (id, at) => {
      const original = this.#find(id) ?? fresh.get(id)
      if (original === undefined) {
        fresh.set(id, { partitionId, offset: baseOffset + at })
      } else {
        indexes.push(at)
        originals.push(original)
      }
    })
    for (const [id, original] of fresh) this.#added.set(id, original)
    return { indexes, originals, areAll: indexes.length > 0 && indexes.length === deliveredCount }
  }

  /** The same of a batch that its producer has sent before, as far as the ids are still known. */
  ofKnown(batch: ArrayBuffer, header: ReadBatchHeader, place: BatchPlace): FoundRepeats {
    const indexes: number[] = []
    const originals: Original[] = []
    const { partitionId, baseOffset } = place
    const deliveredCount = readMessageIds(batch, header, (id, at) => {
      const original = this.#find(id)
      if (original === undefined) return
      const isItself =
        baseOffset !== undefined &&
        original.partitionId === partitionId &&
        original.offset === baseOffset + at
      if (isItself) return
      indexes.push(at)
      originals.push(original)
    })
    return { indexes, originals, areAll: indexes.length > 0 && indexes.length === deliveredCount }
  }

  #find(id: string): Original | undefined {
    return this.#ids.find(id, this.#nowMs) ?? this.#added.get(id)
  }
}

/** Makes these records of a batch void, where they stand. */
export function makeVoid(
  batch: ArrayBuffer,
  header: ReadBatchHeader,
  indexes: readonly number[],
): void {
  let next = 0
  readMessageIds(batch, header, (_, at, reader) => {
    if (indexes[next] !== at) return
    reader.makeVoid()
    next++
  })
  writeBatchHasVoid(batch)
}

/** As they are answered. */
export function repeatedMessages(
  { indexes, originals }: FoundRepeats,
  partitionOf: (partitionId: PartitionId) => number,
): RepeatedMessages {
  return {
    indexes: Uint32Array.from(indexes),
    partitions: Uint32Array.from(originals, ({ partitionId }) => partitionOf(partitionId)),
    offsets: Float64Array.from(originals, ({ offset }) => offset),
  }
}
