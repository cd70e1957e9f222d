/**
 * What of one partition can be delivered now, in the order in which it is to be: the highest priority
 * first, then the oldest. Plain neighbours are found as one piece. What it passes on its way that nobody
 * is to get any more (void, expired, delivered too often) is found as well, to be put aside.
 */
import { insert, type KeyHead, type KeyLines } from './key-lines.js'
import type { FactsCursor, PartitionFacts } from './partition-facts.js'
import type { RecordFacts } from './record-facts.js'
import { clipped, lengthOf, piecesBetween, runAt, type DeathCause, type ShareRun } from './runs.js'
import type { SharePartitionDraft } from './share-partition-draft.js'

export interface Deliverable {
  readonly draft: SharePartitionDraft
  readonly piece: ShareRun
  readonly priority: number
}

export interface Undeliverable {
  readonly piece: ShareRun
  readonly why: 'void' | Exclude<DeathCause, 'rejected' | 'redriven'>
}

export interface Found {
  readonly deliverable: readonly Deliverable[]
  /** How many messages that is. */
  readonly count: number
  readonly undeliverable: readonly Undeliverable[]
}

interface Limits {
  readonly endOffset: number
  readonly max: number
  /** Keys, by their hashes, of which nothing is to be delivered. */
  readonly heldKeys: ReadonlyMap<number, unknown> | undefined
}

/** At most `max` messages, none at or after `endOffset`. */
export function findDeliverable(
  draft: SharePartitionDraft,
  facts: PartitionFacts,
  { endOffset, max, heldKeys }: Limits,
): Found {
  const search = new Search(draft, facts, max)
  if (draft.terms.options.isOrderedByKey) search.byKey(endOffset, heldKeys)
  else if (draft.hasRunsMax) search.inOrder(Math.min(endOffset, draft.endOfRuns), 'all')
  else {
    for (const priority of facts.priorities()) search.ofPriority(endOffset, priority)
    search.inOrder(endOffset, 'withoutPriority')
  }
  return search
}

/** A record that comes next of its key, or will, and what stands behind it. */
interface NextOfKey extends KeyHead {
  readonly behind: ReturnType<KeyLines['line']>
  /** Of the next one, among those. */
  readonly place: number
}

interface KeyWalk {
  readonly cursor: FactsCursor
  readonly heldKeys: Limits['heldKeys']
  /** Those behind a record that is over, in the order of offsets. */
  readonly successors: NextOfKey[]
  /** Keys of which all that was looked at is over. */
  readonly over: Set<number>
}

class Search implements Found {
  readonly deliverable: Deliverable[] = []
  readonly undeliverable: Undeliverable[] = []
  count = 0
  readonly #draft: SharePartitionDraft
  readonly #facts: PartitionFacts
  readonly #max: number

  constructor(draft: SharePartitionDraft, facts: PartitionFacts, max: number) {
    this.#draft = draft
    this.#facts = facts
    this.#max = max
  }

  ofPriority(endOffset: number, priority: number): void {
    const { runs, fromOffset } = this.#draft
    for (const facts of this.#facts.special(fromOffset, endOffset, priority)) {
      const from = Math.max(fromOffset, facts.firstOffset)
      const end = Math.min(endOffset, facts.lastOffset + 1)
      for (const piece of piecesBetween(runs, from, end)) {
        if (this.count >= this.#max) return
        if (piece.state === 'available') this.#visit(piece, facts)
      }
    }
  }

  inOrder(endOffset: number, which: 'all' | 'withoutPriority'): void {
    const { runs, fromOffset } = this.#draft
    for (const piece of piecesBetween(runs, fromOffset, endOffset)) {
      if (this.count >= this.#max) return
      if (piece.state !== 'available') continue
      let offset = piece.firstOffset
      for (const facts of this.#facts.special(piece.firstOffset, piece.lastOffset + 1)) {
        if (facts.firstOffset > offset) {
          this.#visit(clipped(piece, offset, facts.firstOffset - 1), undefined)
        }
        if (this.count >= this.#max) return
        if (facts.priority === 0 || which === 'all') {
          this.#visit(clipped(piece, facts.firstOffset, facts.lastOffset), facts)
        }
        if (this.count >= this.#max) return
        offset = facts.lastOffset + 1
      }
      if (offset <= piece.lastOffset)
        this.#visit(clipped(piece, offset, piece.lastOffset), undefined)
    }
  }

  /**
   * Of each key the oldest that is not final, if that can be delivered; of those without key, all. Looks at
   * those that come next of their keys, and on from where nobody has looked yet.
   */
  byKey(endOffset: number, heldKeys: Limits['heldKeys']): void {
    const draft = this.#draft
    const { keyLines } = draft.partition
    const limit = draft.hasRunsMax ? Math.min(endOffset, draft.endOfRuns) : endOffset
    const isFinal = (offset: number) => draft.partition.isFinal(offset)
    const walk: KeyWalk = {
      cursor: this.#facts.cursor(),
      heldKeys,
      successors: [],
      over: new Set(),
    }
    const heads = keyLines.heads(limit, isFinal)
    let head = heads.next()
    while (!this.#hasEnough) {
      const [successor] = walk.successors
      if (successor !== undefined && (head.done || successor.offset < head.value.offset)) {
        walk.successors.shift()
        if (successor.offset < limit) this.#visitNext(successor, walk)
      } else if (head.done) break
      else {
        this.#visitNext({ ...head.value, behind: keyLines.line(head.value), place: 0 }, walk)
        head = heads.next()
      }
    }
    heads.return()
    if (!this.#hasEnough) this.#lookOn(limit, walk)
    if (this.#facts.hasPriorities) this.#keepBest()
  }

  /** With priorities the best may come last. */
  get #hasEnough(): boolean {
    return this.count >= this.#max && !this.#facts.hasPriorities
  }

  /** Takes in what nobody has looked at. */
  #lookOn(limit: number, walk: KeyWalk): void {
    const { runs, partition, startOffset } = this.#draft
    const { keyLines } = partition
    keyLines.skipTo(startOffset)
    for (const piece of piecesBetween(runs, keyLines.nextOffset, limit)) {
      if (piece.state === 'final') keyLines.skipTo(piece.lastOffset + 1)
      while (keyLines.nextOffset <= piece.lastOffset) {
        if (this.#hasEnough) return
        const offset = keyLines.nextOffset
        const keyHash = walk.cursor.keyHash(offset)
        const isNext = keyLines.add(keyHash)
        if (isNext || walk.over.has(keyHash)) {
          walk.over.delete(keyHash)
          this.#visitNext({ offset, keyHash, behind: undefined, place: 0 }, walk)
        }
      }
    }
  }

  /** When it will be final, the one behind it is next. */
  #visitNext(next: NextOfKey, { cursor, heldKeys, successors, over }: KeyWalk): void {
    const { offset, keyHash, behind, place } = next
    if (heldKeys?.has(keyHash) === true) return
    const piece = runAt(this.#draft.runs, offset)
    const isBelow = offset < this.#draft.startOffset
    const isOver =
      isBelow ||
      piece.state === 'final' ||
      (piece.state === 'available' && this.#visitOne(piece, offset, cursor.facts(offset)))
    if (!isOver || keyHash === 0) return
    const successor = behind?.at(place)
    if (successor === undefined) over.add(keyHash)
    else insert(successors, { offset: successor, keyHash, behind, place: place + 1 })
  }

  /** Returns whether the record will be final: the next one of its key is free. */
  #visitOne(piece: ShareRun, offset: number, facts: RecordFacts | undefined): boolean {
    const one = clipped(piece, offset, offset)
    const why = this.#undeliverable(one, facts)
    if (why === undefined) {
      if (this.#isDue(one, facts)) this.#take(one, facts?.priority ?? 0)
      return false
    }
    this.undeliverable.push({ piece: one, why })
    return why === 'void' || this.#draft.dropsDead
  }

  #keepBest(): void {
    const all = this.deliverable.sort((a, b) => b.priority - a.priority)
    this.deliverable.length = Math.min(all.length, this.#max)
    this.count = this.deliverable.length
  }

  #visit(piece: ShareRun, facts: RecordFacts | undefined): void {
    const why = this.#undeliverable(piece, facts)
    if (why !== undefined) {
      this.undeliverable.push({ piece, why })
      return
    }
    if (!this.#isDue(piece, facts)) return
    const room = this.#max - this.count
    const { firstOffset, lastOffset } = piece
    const taken = clipped(piece, firstOffset, Math.min(lastOffset, firstOffset + room - 1))
    this.#take(taken, facts?.priority ?? 0)
  }

  #take(piece: ShareRun, priority: number): void {
    this.deliverable.push({ draft: this.#draft, piece, priority })
    this.count += lengthOf(piece)
  }

  #undeliverable(
    piece: ShareRun,
    facts: RecordFacts | undefined,
  ): Undeliverable['why'] | undefined {
    const { nowMs, options } = this.#draft.terms
    if (facts?.isVoid === true) return 'void'
    if (facts !== undefined && facts.expiresAtMs <= nowMs) return 'expired'
    // A limit that was lowered, or a broker that died with the message delivered for the last time.
    return piece.deliveryCount >= options.deliveryCountLimit ? 'deliveryCountLimit' : undefined
  }

  #isDue({ availableAtMs }: ShareRun, facts: RecordFacts | undefined): boolean {
    const { nowMs } = this.#draft.terms
    return availableAtMs <= nowMs && (facts?.deliverAtMs ?? 0) <= nowMs
  }
}
