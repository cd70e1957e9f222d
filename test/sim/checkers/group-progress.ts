/**
 * How far each group has come in each partition, from what its handlers have finished: all below the
 * frontier is handled, was gone before anybody could read it, or was there before a group came that
 * reads from the end. Several checkers compare with it; it is told of everything before they are.
 */
import type { DurableRecord } from '../../../src/broker/records.js'
import type { PartitionId } from '../../../src/protocol/names.js'
import { nameOf, type DurableLog, type DurablePartition } from '../durable-log.js'
import type { Listener, Handling, SimEvent } from '../history.js'

interface Progress {
  /** Whether it is known where the group begins: all else counts from there. */
  hasBegun: boolean
  handledUpTo: number
  /** Handled, with something before it that is not. */
  readonly beyond: Set<number>
  /** Where somebody sought that is beyond the frontier: what lies between need not be handled. */
  readonly soughtTo: Set<number>
  /** Nothing is known of what is next: the position was out of range, and went to the end. */
  mayJump: boolean
  /** Where somebody starts who takes over, whatever others have handled. */
  committed: number | undefined
  /**
   * Where a consumer went back to, until it is given something after that: if it finds that gone it may
   * go to the end from there, whatever was on its way to be committed before, and whoever had the
   * partition in between. Under undefined, where whoever comes goes back to.
   */
  readonly soughtBack: Map<string | undefined, number>
}

export class GroupProgress implements Listener {
  readonly #log: DurableLog
  readonly #byGroup = new Map<string, Map<PartitionId, Progress>>()
  readonly #fromLatest: ReadonlySet<string>

  /** @param fromLatest groups that read from where the log ended when they came */
  constructor(log: DurableLog, fromLatest: readonly string[]) {
    this.#log = log
    this.#fromLatest = new Set(fromLatest)
  }

  isFromLatest(groupId: string): boolean {
    return this.#fromLatest.has(groupId)
  }

  on(event: SimEvent): void {
    switch (event.type) {
      case 'durable':
        for (const record of event.records) {
          if (record.type === 'offset') this.#committed(record)
        }
        return
      case 'handling':
        return this.#handling(event)
      case 'handled':
        return this.#handled(event)
      case 'sought':
        return this.#sought(event)
      case 'powerCut':
        return this.#powerCut()
      default:
    }
  }

  /**
   * All below is handled or need not be; undefined while it is not known where a group begins that
   * reads from the end, or begins again.
   */
  frontier(groupId: string, partition: DurablePartition): number | undefined {
    const progress = this.#find(groupId, partition.partitionId)
    if (progress?.hasBegun !== true) {
      return this.#fromLatest.has(groupId) ? undefined : partition.logStartOffset
    }
    if (progress.handledUpTo < partition.logStartOffset) {
      // Out of range: a group that reads from the end goes there, the others to the log start.
      if (this.#fromLatest.has(groupId)) progress.mayJump = true
      this.#advance(progress, partition.logStartOffset)
    }
    // Whoever takes over goes to the end.
    if (this.#fromLatest.has(groupId) && isOutOfRange(progress, partition)) return undefined
    return progress.mayJump ? undefined : progress.handledUpTo
  }

  /** Whether somebody told a consumer of the group to go on there. */
  isSoughtTo(groupId: string, partition: DurablePartition, offset: number): boolean {
    return this.#find(groupId, partition.partitionId)?.soughtTo.has(offset) === true
  }

  /** Names a group's part of a partition. */
  static nameOf(groupId: string, partition: DurablePartition): string {
    return `${groupId} ${nameOf(partition.place)}`
  }

  #handling(event: Handling): void {
    const partition = this.#log.lifeOf(event)
    const progress = partition && this.#find(event.reader.groupId, partition.partitionId)
    if (progress === undefined || event.offset > progress.handledUpTo) return
    for (const consumer of [undefined, event.reader.consumer]) progress.soughtBack.delete(consumer)
  }

  #handled(event: Omit<Handling, 'type'>): void {
    const partition = this.#log.lifeOf(event)
    if (partition === undefined) return
    const { groupId } = event.reader
    // What its offsets said of where the group began went with its topic.
    const isForgotten = this.#find(groupId, partition.partitionId)?.hasBegun !== true
    if (partition.isDeleted && isForgotten && this.#fromLatest.has(groupId)) return
    const progress = this.#of(groupId, partition.partitionId)
    progress.hasBegun = true
    if (event.offset < progress.handledUpTo) return
    progress.beyond.add(event.offset)
    const mayBegin = progress.mayJump || progress.soughtTo.has(event.offset)
    this.#advance(progress, mayBegin ? event.offset : progress.handledUpTo)
    progress.mayJump = false
  }

  /**
   * The first commit of a group that reads from the end says where that was; one of where somebody
   * sought says that what lies before is not wanted.
   */
  #committed({ groupId, partitionId, value }: Extract<DurableRecord, { type: 'offset' }>): void {
    const progress = this.#find(groupId, partitionId)
    const partition = this.#log.byId(partitionId)
    const isFromLatest = this.#fromLatest.has(groupId)
    const isReset = isFromLatest && progress?.hasBegun === true && isOutOfRange(progress, partition)
    const isFirst = isFromLatest && progress?.hasBegun !== true
    if (progress !== undefined) progress.committed = value?.offset
    if (value === null) {
      if (this.#fromLatest.has(groupId)) this.#byGroup.get(groupId)?.delete(partitionId)
    } else if (isFirst || isReset || progress?.soughtTo.has(value.offset) === true) {
      const begun = this.#of(groupId, partitionId)
      begun.hasBegun = true
      begun.committed = value.offset
      if (isReset && value.offset > begun.handledUpTo) begun.soughtBack.clear()
      this.#advance(begun, value.offset)
    }
  }

  #sought({ groupId, consumer, place, offset }: Extract<SimEvent, { type: 'sought' }>): void {
    const partition = this.#log.at(place)
    if (partition === undefined) return
    const progress = this.#of(groupId, partition.partitionId)
    if (offset > progress.handledUpTo) progress.soughtTo.add(offset)
    progress.soughtBack.set(consumer, offset)
  }

  /** What was handled of lost messages says nothing about those that get their offsets. */
  #powerCut(): void {
    for (const [groupId, byPartition] of this.#byGroup) {
      for (const [partitionId, progress] of byPartition) {
        const end = this.#log.byId(partitionId)?.ids.length ?? 0
        const hasStart = this.#log.committed(groupId, partitionId) !== undefined
        if (end === 0 || (this.#fromLatest.has(groupId) && !hasStart)) {
          byPartition.delete(partitionId)
          continue
        }
        progress.committed = this.#log.committed(groupId, partitionId)
        progress.soughtBack.clear()
        progress.handledUpTo = Math.min(progress.handledUpTo, end)
        for (const offset of progress.beyond) if (offset >= end) progress.beyond.delete(offset)
      }
    }
    for (const groupId of this.#fromLatest) this.#beginAgain(groupId)
  }

  /** Where it began was forgotten with its offsets; what took these is undone. */
  #beginAgain(groupId: string): void {
    for (const { partitionId } of this.#log.all()) {
      const committed = this.#log.committed(groupId, partitionId)
      const isKnown = this.#find(groupId, partitionId)?.hasBegun === true
      if (committed === undefined || isKnown) continue
      const begun = this.#of(groupId, partitionId)
      begun.hasBegun = true
      begun.committed = committed
      this.#advance(begun, committed)
    }
  }

  #advance(progress: Progress, to: number): void {
    progress.handledUpTo = Math.max(progress.handledUpTo, to)
    while (progress.beyond.delete(progress.handledUpTo)) progress.handledUpTo += 1
  }

  #find(groupId: string, partitionId: PartitionId): Progress | undefined {
    return this.#byGroup.get(groupId)?.get(partitionId)
  }

  #of(groupId: string, partitionId: PartitionId): Progress {
    const byPartition = this.#byGroup.get(groupId) ?? new Map<PartitionId, Progress>()
    this.#byGroup.set(groupId, byPartition)
    const progress = byPartition.get(partitionId) ?? {
      hasBegun: !this.#fromLatest.has(groupId),
      handledUpTo: 0,
      beyond: new Set(),
      soughtTo: new Set(),
      mayJump: false,
      committed: undefined,
      soughtBack: new Map(),
    }
    byPartition.set(partitionId, progress)
    return progress
  }
}

function isOutOfRange(progress: Progress, partition: DurablePartition | undefined): boolean {
  const start = Math.min(progress.committed ?? Infinity, ...progress.soughtBack.values())
  return start < (partition?.logStartOffset ?? 0)
}
