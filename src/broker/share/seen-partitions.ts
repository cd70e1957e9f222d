/**
 * What was seen of the records of all partitions that share groups read, and what is still to be seen.
 * Soft state beside the groups: whoever looks into batches for a group tells it here.
 */
import { DeadlineQueue } from '../../std/deadline-queue.js'
import type { BrokerLimits } from '../../protocol/limits.js'
import type { PartitionId } from '../../protocol/names.js'
import type { TopicsView } from '../group/topics-view.js'
import type { DecisionContext } from '../records.js'
import { countDeliverable } from './decide-acquire.js'
import { PartitionFacts } from './partition-facts.js'
import { readFacts, type BatchFacts } from './record-facts.js'
import { ShareDrafts, type ShareGroupState } from './share-drafts.js'
import type { ShareGroup } from './share-group.js'

/** A partition of which more is to be seen, from an offset on. */
export interface WantedFacts {
  readonly partitionId: PartitionId
  readonly seenTo: number
}

export class SeenPartitions {
  readonly #facts = new Map<PartitionId, PartitionFacts>()
  /** When time changes what of a partition can be delivered. */
  readonly #changes = new DeadlineQueue<PartitionId>()
  readonly #topics: TopicsView
  readonly #limits: BrokerLimits

  constructor(topics: TopicsView, limits: BrokerLimits) {
    this.#topics = topics
    this.#limits = limits
  }

  factsOf(partitionId: PartitionId): PartitionFacts {
    const known = this.#facts.get(partitionId)
    if (known !== undefined) return known
    const facts = new PartitionFacts()
    this.#facts.set(partitionId, facts)
    return facts
  }

  forget(partitionId: PartitionId): void {
    this.#facts.delete(partitionId)
    this.#changes.delete(partitionId)
  }

  wanted(state: ShareGroupState, maxRecords: number, context: DecisionContext): WantedFacts[] {
    const { group, topics } = state
    if (group.row === undefined) return []
    const { isOrderedByKey: withKeys } = group.options
    const drafts = new ShareDrafts(state, context.nowMs)
    const unseen = group.read(topics).flatMap((partitionId) => {
      const draft = drafts.of(partitionId)
      if (draft === undefined || draft.room === 0) return []
      const seenTo = this.factsOf(partitionId).seenTo(draft.fromOffset, { withKeys })
      const endOffset = Math.min(draft.terms.log.highWatermark, draft.lookAheadEnd)
      return seenTo < endOffset ? [{ partitionId, seenTo }] : []
    })
    if (unseen.length === 0 || countDeliverable(state, maxRecords, context) < maxRecords) {
      return unseen
    }
    // There is enough; but where priorities are used, what comes next may be more urgent.
    return unseen.filter(({ partitionId }) => this.factsOf(partitionId).hasPriorities)
  }

  /** Returns whether anything of it is new. */
  see(partitionId: PartitionId, batch: ArrayBuffer, readers: readonly ShareGroup[]): boolean {
    const withKeys = readers.some(({ row }) => row?.options.isOrderedByKey === true)
    return this.#take(partitionId, readFacts(batch, { withKeys }), readers)
  }

  seeNothing(
    partitionId: PartitionId,
    { firstOffset, nextOffset }: { firstOffset: number; nextOffset: number },
    readers: readonly ShareGroup[],
  ): boolean {
    const lost = { firstOffset, lastOffset: nextOffset - 1, isVoid: true }
    const special = [{ ...lost, deliverAtMs: 0, expiresAtMs: Infinity, priority: 0 }]
    return this.#take(partitionId, { firstOffset, nextOffset, keyHashes: [], special }, readers)
  }

  /** Partitions with records whose time has come, or is over. */
  takeDue(nowMs: number): PartitionId[] {
    return this.#changes.takeDue(nowMs).filter((partitionId) => {
      const isDue = this.#facts.get(partitionId)?.takeChanges(nowMs) === true
      this.#followTime(partitionId)
      return isDue
    })
  }

  nextDueMs(): number | undefined {
    return this.#changes.nextMs()
  }

  #take(partitionId: PartitionId, seen: BatchFacts, readers: readonly ShareGroup[]): boolean {
    if (readers.length === 0) return false
    const facts = this.factsOf(partitionId)
    if (!facts.see(seen)) return false
    const logStartOffset = this.#topics.log(partitionId)?.logStartOffset ?? 0
    facts.forgetOutside(
      readers.map(({ partitions }) => {
        const fromOffset = partitions.get(partitionId)?.startOffset ?? 0
        const lookFrom = Math.max(fromOffset, logStartOffset)
        return { fromOffset, endOffset: lookFrom + this.#limits.shareLookAheadRecordsMax }
      }),
    )
    this.#followTime(partitionId)
    return true
  }

  #followTime(partitionId: PartitionId): void {
    const nextMs = this.#facts.get(partitionId)?.nextChangeMs()
    if (nextMs === undefined) this.#changes.delete(partitionId)
    else this.#changes.set(partitionId, nextMs)
  }
}
