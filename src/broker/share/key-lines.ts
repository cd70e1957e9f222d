/**
 * Which record comes next of each key in one partition, and which stand in line behind it, so that whoever
 * looks for something to deliver passes over none of those that wait for another. It covers the partition
 * as far as somebody has looked, and follows from what was seen of the records and the runs: a memo,
 * which is begun anew when something that was final is not so any more.
 */

/** A record that comes next of its key. */
export interface KeyHead {
  readonly offset: number
  /** 0 for one without key, which waits for nobody. */
  readonly keyHash: number
}

export type IsFinal = (offset: number) => boolean

export class KeyLines {
  /** In the order of offsets. What has become final is found out when it is passed. */
  readonly #heads: KeyHead[] = []
  /** Those of keys that have a head; the line is missing where nobody stands in it. */
  readonly #lines = new Map<number, Line | undefined>()
  #nextOffset: number

  constructor(fromOffset: number) {
    this.#nextOffset = fromOffset
  }

  /** All records below are a head, in a line, or final. */
  get nextOffset(): number {
    return this.#nextOffset
  }

  /** All that lie below the offset and are not final, in their order. Nothing is added meanwhile. */
  *heads(endOffset: number, isFinal: IsFinal): Generator<KeyHead, void, undefined> {
    const heads = this.#heads
    let kept = 0
    let passed = 0
    try {
      while (passed < heads.length) {
        const head = heads[passed] as KeyHead
        if (head.offset >= endOffset) return
        passed += 1
        if (isFinal(head.offset)) this.#moveUp(head, isFinal)
        else {
          heads[kept++] = head
          yield head
        }
      }
    } finally {
      heads.splice(kept, passed - kept)
    }
  }

  /** Those that stand behind a head, in their order. */
  line({ keyHash }: KeyHead): Line | undefined {
    return this.#lines.get(keyHash)
  }

  /** What lies between the next offset and this one is final. */
  skipTo(offset: number): void {
    this.#nextOffset = Math.max(this.#nextOffset, offset)
  }

  /** Takes in the record at the next offset. Returns whether it is the next of its key. */
  add(keyHash: number): boolean {
    const offset = this.#nextOffset++
    if (keyHash !== 0 && this.#lines.has(keyHash)) {
      const line = this.#lines.get(keyHash) ?? new Line()
      line.push(offset)
      this.#lines.set(keyHash, line)
      return false
    }
    if (keyHash !== 0) this.#lines.set(keyHash, undefined)
    this.#heads.push({ offset, keyHash })
    return true
  }

  /** The next in line becomes the head, among those that are not looked at yet. */
  #moveUp({ keyHash }: KeyHead, isFinal: IsFinal): void {
    const line = this.#lines.get(keyHash)
    const offset = line?.takeFirst(isFinal)
    if (line?.length === 0) this.#lines.set(keyHash, undefined)
    if (offset === undefined) this.#lines.delete(keyHash)
    else insert(this.#heads, { offset, keyHash })
  }
}

/** Where the taken ones were is freed when that is most of it. */
const TAKEN_MAX = 1_024

class Line {
  readonly #offsets: number[] = []
  #taken = 0

  get length(): number {
    return this.#offsets.length - this.#taken
  }

  at(index: number): number | undefined {
    return this.#offsets[this.#taken + index]
  }

  push(offset: number): void {
    this.#offsets.push(offset)
  }

  /** The first that is not final; those before it are left out. */
  takeFirst(isFinal: IsFinal): number | undefined {
    for (;;) {
      const offset = this.at(0)
      if (offset === undefined) return undefined
      this.#taken += 1
      if (this.#taken > TAKEN_MAX && this.#taken > this.length) {
        this.#offsets.splice(0, this.#taken)
        this.#taken = 0
      }
      if (!isFinal(offset)) return offset
    }
  }
}

/** Where it belongs by its offset. */
export function insert<T extends { readonly offset: number }>(list: T[], one: T): void {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((list[middle] as T).offset < one.offset) low = middle + 1
    else high = middle
  }
  list.splice(low, 0, one)
}
