/**
 * How far each group has come in each partition, from what its handlers have finished: all below the
 * frontier is handled, was gone before anybody could read it, or was there before a group came that
 * reads from the end. Several checkers compare with it; it is told of everything before they are.
 */
import type { DurableRecord } from '../../../src/broker/records.js'
import type { PartitionId } from '../../../src/protocol/names.js'
import { nameOf, pastVoid, type DurableLog, type DurablePartition } from '../durable-log.js'
import type { Handling, Listener, Place, Reader, SimEvent } from '../history.js'

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
   * Who went back, and has not caught up again: a consumer that finds its position gone may go to the
   * end from there, whatever was on its way to be committed before. Under undefined, whoever comes.
   */
  readonly soughtBack: Map<string | undefined, Return>
}

interface Return {
  /** The next offset that it is to be given. */
  position: number
  /** Where the log ended when it was told to: who goes to the end goes there, or further. */
  readonly logEnd: number
  /**
   * Whether it was given something from there. Until then it may go there after others have had the
   * partition; after that, who has the partition next goes on from where it is committed.
   */
  isGiven: boolean
  /**
   * Where it was told to go before that and was given nothing from: it may have found that gone, and
   * what it then commits be under way. Until the next commit.
   */
  before: number
}

export class GroupProgress implements Listener {
  readonly #log: DurableLog
  readonly #byGroup = new Map<string, Map<PartitionId, Progress>>()
  readonly #fromLatest: ReadonlySet<string>
  /** Whose the partitions are, by group: nobody else can commit there. */
  readonly #owners = new Map<string, Map<PartitionId, string>>()

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
      case 'assigned':
        for (const place of event.places) this.#assigned(event.reader, place)
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
      if (this.#fromLatest.has(groupId)) return undefined
      return pastVoid(partition, partition.logStartOffset)
    }
    this.#advance(progress, partition.partitionId, progress.handledUpTo)
    if (progress.handledUpTo < partition.logStartOffset) {
      // Out of range: a group that reads from the end goes there, the others to the log start.
      if (this.#fromLatest.has(groupId)) progress.mayJump = true
      this.#advance(progress, partition.partitionId, partition.logStartOffset)
    }
    // Whoever takes over goes to the end.
    if (this.#fromLatest.has(groupId) && isOutOfRange(progress, partition)) return undefined
    return progress.mayJump ? undefined : progress.handledUpTo
  }

  /** Whether somebody told a consumer of the group to go on there. */
  isSoughtTo(groupId: string, partition: DurablePartition, offset: number): boolean {
    const progress = this.#find(groupId, partition.partitionId)
    return progress !== undefined && isSoughtTo(progress, partition, offset)
  }

  /** Names a group's part of a partition. */
  static nameOf(groupId: string, partition: DurablePartition): string {
    return `${groupId} ${nameOf(partition.place)}`
  }

  #assigned({ groupId, consumer }: Reader, place: Place): void {
    const partition = this.#log.at(place)
    if (partition !== undefined) {
      const owners = this.#owners.get(groupId) ?? new Map<PartitionId, string>()
      this.#owners.set(groupId, owners.set(partition.partitionId, consumer))
    }
    const progress = partition && this.#find(groupId, partition.partitionId)
    for (const [consumer, { isGiven }] of progress?.soughtBack ?? []) {
      if (isGiven) progress?.soughtBack.delete(consumer)
    }
  }

  #handling(event: Handling): void {
    const partition = this.#log.lifeOf(event)
    const { groupId, consumer } = event.reader
    const progress = partition && this.#find(groupId, partition.partitionId)
    if (progress === undefined || event.offset > progress.handledUpTo) return
    progress.soughtBack.delete(undefined)
    const back = progress.soughtBack.get(consumer)
    if (back === undefined) return
    back.position = event.offset
    back.isGiven = true
    if (back.position === progress.handledUpTo) progress.soughtBack.delete(consumer)
  }

  /** Whoever went back has come so much nearer to what the group has handled. */
  #cameOn({ reader, offset }: Omit<Handling, 'type'>, progress: Progress): void {
    const back = progress.soughtBack.get(reader.consumer)
    if (back?.isGiven !== true || back.position !== offset) return
    back.position = offset + 1
    if (back.position >= progress.handledUpTo) progress.soughtBack.delete(reader.consumer)
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
    this.#cameOn(event, progress)
    if (event.offset < progress.handledUpTo) return
    progress.beyond.add(event.offset)
    const mayBegin = progress.mayJump || isSoughtTo(progress, partition, event.offset)
    this.#advance(progress, partition.partitionId, mayBegin ? event.offset : progress.handledUpTo)
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
    if (progress !== undefined) {
      progress.committed = value?.offset
      for (const back of progress.soughtBack.values()) back.before = Infinity
    }
    if (value === null) {
      if (this.#fromLatest.has(groupId)) this.#byGroup.get(groupId)?.delete(partitionId)
    } else if (
      isFirst ||
      isReset ||
      (progress !== undefined && isSoughtTo(progress, partition, value.offset))
    ) {
      const begun = this.#of(groupId, partitionId)
      begun.hasBegun = true
      begun.committed = value.offset
      // Of what others have handled it does not follow that anybody has been to the end.
      if (isReset && value.offset > begun.handledUpTo) {
        forgetReturns(begun, value.offset, this.#owners.get(groupId)?.get(partitionId))
      }
      this.#advance(begun, partitionId, value.offset)
    }
  }

  #sought({ groupId, consumer, place, offset }: Extract<SimEvent, { type: 'sought' }>): void {
    const partition = this.#log.at(place)
    if (partition === undefined) return
    const progress = this.#of(groupId, partition.partitionId)
    if (offset > progress.handledUpTo) progress.soughtTo.add(offset)
    const { length: logEnd } = partition.ids
    const last = progress.soughtBack.get(consumer)
    const before = last?.isGiven === false ? Math.min(last.position, last.before) : Infinity
    progress.soughtBack.set(consumer, { position: offset, logEnd, isGiven: false, before })
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
      this.#advance(begun, partitionId, committed)
    }
  }

  /** Over what is handled, and what nobody is to handle. */
  #advance(progress: Progress, partitionId: PartitionId, to: number): void {
    const partition = this.#log.byId(partitionId)
    progress.handledUpTo = Math.max(progress.handledUpTo, to)
    for (;;) {
      if (partition !== undefined) {
        progress.handledUpTo = pastVoid(partition, progress.handledUpTo)
      }
      if (!progress.beyond.delete(progress.handledUpTo)) return
      progress.handledUpTo += 1
    }
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

/** There, or at void records before it. */
function isSoughtTo(
  { soughtTo }: Progress,
  partition: DurablePartition | undefined,
  offset: number,
): boolean {
  if (soughtTo.has(offset)) return true
  if (partition === undefined) return false
  return [...soughtTo].some((sought) => pastVoid(partition, sought) === offset)
}

/** Who committed this has been to the end since, unless it may have been on its way before. */
function forgetReturns(
  { soughtBack }: Progress,
  committed: number,
  committedBy: string | undefined,
): void {
  for (const [consumer, { logEnd, isGiven }] of soughtBack) {
    // What another was told, and was given nothing from, it may still do when it has the partition.
    const mayBeAnothers = consumer !== undefined && consumer !== committedBy && !isGiven
    if (committed > logEnd && !mayBeAnothers) soughtBack.delete(consumer)
  }
}

/** Whether who takes over, or who was told to go elsewhere, finds nothing there and goes to the end. */
function isOutOfRange(progress: Progress, partition: DurablePartition | undefined): boolean {
  const backs = [...progress.soughtBack.values()]
  const positions = backs.flatMap(({ position, before }) => [position, before])
  const start = Math.min(progress.committed ?? Infinity, ...positions)
  const isBeyondEnd = backs.some(({ position, logEnd }) => position > logEnd)
  return isBeyondEnd || start < (partition?.logStartOffset ?? 0)
}
