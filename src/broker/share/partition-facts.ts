/**
 * What the broker has seen of one partition's records, for all share groups that read it: soft state,
 * read from the batches again when it is lost. Plain stretches are an interval each, however long.
 * What no group is near to is forgotten, so it is bounded by how far groups look ahead.
 */
import { DeadlineQueue } from '../../std/deadline-queue.js'
import type { BatchFacts, RecordFacts } from './record-facts.js'

/** Chunks with more to remember than offsets are not made larger, so that they can be forgotten. */
const CHUNK_RECORDS_MAX = 4_096

interface Chunk {
  readonly firstOffset: number
  nextOffset: number
  readonly keyHashes: number[] | undefined
  readonly special: RecordFacts[]
  readonly byPriority: Map<number, RecordFacts[]>
}

/** Offsets that some group is near to, the last one exclusive. */
export interface FactsWindow {
  readonly fromOffset: number
  readonly endOffset: number
}

export class PartitionFacts {
  /** In the order of offsets; none overlaps another. */
  readonly #chunks: Chunk[] = []
  /** Records whose time has not come yet, by their first offset. */
  readonly #delays = new DeadlineQueue<number>()
  /** Records that are over by then, by their first offset: what stands behind one of its key is free. */
  readonly #ends = new DeadlineQueue<number>()

  /** How far all is known from `offset` on. */
  seenTo(offset: number, { withKeys }: { withKeys: boolean }): number {
    let seenTo = offset
    for (let index = this.#indexAt(offset); ; index++) {
      const chunk = this.#chunks[index]
      if (chunk === undefined || chunk.firstOffset > seenTo) return seenTo
      if (withKeys && chunk.keyHashes === undefined) return seenTo
      seenTo = chunk.nextOffset
    }
  }

  /** Returns whether anything of it is new. */
  see(facts: BatchFacts): boolean {
    const { firstOffset, nextOffset, keyHashes } = facts
    const withKeys = keyHashes !== undefined
    const length = nextOffset - firstOffset
    if (this.seenTo(firstOffset, { withKeys }) >= nextOffset) return false
    this.#cut(firstOffset, nextOffset)
    const index = this.#indexAt(firstOffset)
    const before = this.#chunks[index - 1]
    const canJoin =
      before !== undefined &&
      before.nextOffset === firstOffset &&
      canGrow(before, withKeys) &&
      (keyHashes?.length ?? length) === length
    const chunk = canJoin
      ? before
      : {
          firstOffset,
          nextOffset: firstOffset,
          keyHashes: withKeys ? [] : undefined,
          special: [],
          byPriority: new Map(),
        }
    if (!canJoin) this.#chunks.splice(index, 0, chunk)
    this.#extend(chunk, facts)
    return true
  }

  /** Whether any record that is known has a priority. */
  get hasPriorities(): boolean {
    return this.#chunks.some(({ byPriority }) => byPriority.size > 0)
  }

  /** Priorities above 0 that are known, the highest first. */
  priorities(): number[] {
    const found = new Set(this.#chunks.flatMap(({ byPriority }) => [...byPriority.keys()]))
    return [...found].sort((a, b) => b - a)
  }

  /** Special records between two offsets, the last one exclusive; of one priority when that is given. */
  *special(
    fromOffset: number,
    endOffset: number,
    priority?: number,
  ): Generator<RecordFacts, void, undefined> {
    for (let index = this.#indexAt(fromOffset); ; index++) {
      const chunk = this.#chunks[index]
      if (chunk === undefined || chunk.firstOffset >= endOffset) return
      const list = priority === undefined ? chunk.special : chunk.byPriority.get(priority)
      if (list === undefined) continue
      for (let at = indexAt(list, fromOffset); at < list.length; at++) {
        const facts = list[at] as RecordFacts
        if (facts.firstOffset >= endOffset) return
        yield facts
      }
    }
  }

  /** Of the records between two offsets that have a key, the last offset exclusive. */
  keyHashes(fromOffset: number, endOffset: number): number[] {
    const cursor = this.cursor()
    const hashes: number[] = []
    for (let offset = fromOffset; offset < endOffset; offset++) {
      const hash = cursor.keyHash(offset)
      if (hash !== 0) hashes.push(hash)
    }
    return hashes
  }

  /** Looks records up one by one, in the order of offsets. */
  cursor(): FactsCursor {
    return new FactsCursor(this.#chunks)
  }

  /** When time will change what can be delivered. */
  nextChangeMs(): number | undefined {
    const delayMs = this.#delays.nextMs() ?? Infinity
    const endMs = this.#ends.nextMs() ?? Infinity
    const nextMs = Math.min(delayMs, endMs)
    return nextMs === Infinity ? undefined : nextMs
  }

  /** Whether it has: the time of some record has come, or is over. */
  takeChanges(nowMs: number): boolean {
    const due = [...this.#delays.takeDue(nowMs), ...this.#ends.takeDue(nowMs)]
    return due.length > 0
  }

  /** Forgets what lies in none of the windows. */
  forgetOutside(windows: readonly FactsWindow[]): void {
    const isWanted = ({ firstOffset, nextOffset }: Chunk) =>
      windows.some(
        ({ fromOffset, endOffset }) => firstOffset < endOffset && nextOffset > fromOffset,
      )
    if (!this.#chunks.every(isWanted)) {
      for (const chunk of this.#chunks.splice(0)) {
        if (isWanted(chunk)) this.#chunks.push(chunk)
        else this.#forgetTimes(chunk)
      }
    }
    this.#forgetBelow(Math.min(...windows.map(({ fromOffset }) => fromOffset)))
  }

  /** Special records in a stretch of plain ones that goes on, when they are half of it. */
  #forgetBelow(offset: number): void {
    const [first] = this.#chunks
    const middle = first?.special[first.special.length >> 1]
    if (first === undefined || middle === undefined || middle.lastOffset >= offset) return
    this.#cut(first.firstOffset, offset)
  }

  #extend(chunk: Chunk, { nextOffset, keyHashes, special }: BatchFacts): void {
    if (keyHashes !== undefined) for (const hash of keyHashes) chunk.keyHashes?.push(hash)
    for (const facts of special) {
      chunk.special.push(facts)
      const { firstOffset, deliverAtMs, expiresAtMs, priority } = facts
      if (deliverAtMs > 0) this.#delays.set(firstOffset, deliverAtMs)
      // Without keys, nothing waits for it to be over.
      if (chunk.keyHashes !== undefined && expiresAtMs < Infinity) {
        this.#ends.set(firstOffset, expiresAtMs)
      }
      if (priority === 0) continue
      const sameOnes = chunk.byPriority.get(priority)
      if (sameOnes === undefined) chunk.byPriority.set(priority, [facts])
      else sameOnes.push(facts)
    }
    chunk.nextOffset = nextOffset
  }

  /** Takes out what was known between two offsets, for it to be known better. */
  #cut(fromOffset: number, endOffset: number): void {
    const from = this.#indexAt(fromOffset)
    let to = from
    while (to < this.#chunks.length && (this.#chunks[to] as Chunk).firstOffset < endOffset) to += 1
    const cut = this.#chunks.splice(from, to - from)
    for (const chunk of cut) this.#forgetTimes(chunk)
    const rests = cut.flatMap((chunk) => [
      ...part(chunk, chunk.firstOffset, fromOffset),
      ...part(chunk, endOffset, chunk.nextOffset),
    ])
    const chunks = rests.map((facts) => {
      const { firstOffset, keyHashes } = facts
      const empty = { firstOffset, nextOffset: firstOffset, special: [], byPriority: new Map() }
      const chunk = { ...empty, keyHashes: keyHashes === undefined ? undefined : [] }
      this.#extend(chunk, facts)
      return chunk
    })
    this.#chunks.splice(from, 0, ...chunks)
  }

  #forgetTimes({ special }: Chunk): void {
    for (const { firstOffset } of special) {
      this.#delays.delete(firstOffset)
      this.#ends.delete(firstOffset)
    }
  }

  /** The index of the first chunk that ends after `offset`. */
  #indexAt(offset: number): number {
    let index = 0
    while (index < this.#chunks.length && (this.#chunks[index] as Chunk).nextOffset <= offset) {
      index += 1
    }
    return index
  }
}

/** Offsets that it is asked for may only rise. */
export class FactsCursor {
  readonly #chunks: readonly Chunk[]
  #chunk = 0
  #special = 0

  constructor(chunks: readonly Chunk[]) {
    this.#chunks = chunks
  }

  /** 0 for a record without key, or of which nothing is known. */
  keyHash(offset: number): number {
    const chunk = this.#chunkAt(offset)
    return chunk?.keyHashes?.[offset - chunk.firstOffset] ?? 0
  }

  /** Undefined for a plain record. */
  facts(offset: number): RecordFacts | undefined {
    const chunk = this.#chunkAt(offset)
    if (chunk === undefined || chunk.special.length === 0) return undefined
    const known = chunk.special[this.#special]
    if (known === undefined || known.firstOffset > offset) return undefined
    if (known.lastOffset >= offset) return known
    this.#special = indexAt(chunk.special, offset)
    const facts = chunk.special[this.#special]
    return facts === undefined || facts.firstOffset > offset ? undefined : facts
  }

  #chunkAt(offset: number): Chunk | undefined {
    for (;;) {
      const chunk = this.#chunks[this.#chunk]
      if (chunk === undefined || chunk.firstOffset > offset) return undefined
      if (chunk.nextOffset > offset) return chunk
      this.#chunk += 1
      this.#special = 0
    }
  }
}

/** Whether what follows a chunk can be put to it. */
function canGrow(chunk: Chunk, withKeys: boolean): boolean {
  const { firstOffset, nextOffset, keyHashes, special } = chunk
  if (special.length >= CHUNK_RECORDS_MAX || (keyHashes !== undefined) !== withKeys) return false
  const length = nextOffset - firstOffset
  return keyHashes === undefined || (keyHashes.length === length && length < CHUNK_RECORDS_MAX)
}

/** What a chunk knows between two offsets; nothing when that is none. */
function part(chunk: Chunk, fromOffset: number, endOffset: number): BatchFacts[] {
  const firstOffset = Math.max(chunk.firstOffset, fromOffset)
  const nextOffset = Math.min(chunk.nextOffset, endOffset)
  if (firstOffset >= nextOffset) return []
  const inChunk = firstOffset - chunk.firstOffset
  const keyHashes = chunk.keyHashes?.slice(inChunk, inChunk + nextOffset - firstOffset)
  const special = chunk.special
    .filter((facts) => facts.lastOffset >= firstOffset && facts.firstOffset < nextOffset)
    .map((facts) => ({
      ...facts,
      firstOffset: Math.max(facts.firstOffset, firstOffset),
      lastOffset: Math.min(facts.lastOffset, nextOffset - 1),
    }))
  return [{ firstOffset, nextOffset, keyHashes, special }]
}

/** The index of the first that ends at `offset` or after it. */
function indexAt(list: readonly RecordFacts[], offset: number): number {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((list[middle] as RecordFacts).lastOffset < offset) low = middle + 1
    else high = middle
  }
  return low
}
