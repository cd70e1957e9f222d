/**
 * A share group as an administrator sees it: who is in it, and of each partition how much waits, for
 * whom, and who has what. Counted from offsets and runs; the log is not looked into.
 */
import type { MemberId } from '../../protocol/names.js'
import type { AssignedPartition } from '../../protocol/requests/partitions.js'
import type {
  ShareGroupDescription,
  ShareLock,
  SharePartitionDescription,
} from '../../protocol/requests/share-groups.js'
import type { PartitionLog } from '../log/partition-log.js'
import type { PartitionFacts } from './partition-facts.js'
import { lengthOf, piecesBetween } from './runs.js'
import type { ShareGroupState } from './share-drafts.js'
import type { SharePartition } from './share-partition.js'

export function describeShareGroup(state: ShareGroupState, nowMs: number): ShareGroupDescription {
  const { group, topics } = state
  const { groupId, options } = group
  const partitions = topics.locate(group.partitions.keys()).flatMap((located) => {
    const partition = group.partitions.get(located.partitionId)
    const log = topics.log(located.partitionId)
    if (partition === undefined || log === undefined) return []
    const facts = state.factsOf(located.partitionId)
    return [describePartition(located, { partition, log, facts, nowMs })]
  })
  const acquired = new Map<MemberId, number>()
  for (const { locks } of partitions) {
    for (const lock of locks) {
      acquired.set(lock.memberId, (acquired.get(lock.memberId) ?? 0) + lengthOf(lock))
    }
  }
  const members = [...group.members]
    .map(([memberId, { sessionId, clientId, subscription, weight }]) => {
      const has = acquired.get(memberId) ?? 0
      return { memberId, clientId, sessionId, subscription, weight, acquired: has }
    })
    .sort((a, b) => (a.memberId < b.memberId ? -1 : 1))
  return { groupId, options, members, partitions }
}

interface Place {
  readonly partition: SharePartition
  readonly log: PartitionLog
  readonly facts: PartitionFacts
  readonly nowMs: number
}

function describePartition(
  located: AssignedPartition,
  { partition, log, facts, nowMs }: Place,
): SharePartitionDescription {
  const { runs, acquired, counters } = partition
  const { highWatermark } = log
  // What retention has deleted is nobody's, though some member may still have some of it.
  const fromOffset = Math.max(partition.startOffset, log.logStartOffset)
  let available = 0
  let delayed = 0
  for (const piece of piecesBetween(runs, fromOffset, highWatermark)) {
    if (piece.state !== 'available') continue
    const count = lengthOf(piece)
    available += count
    if (piece.availableAtMs > nowMs) delayed += count
    else delayed += countDelayed(facts, piece, nowMs)
  }
  const locks = runs.flatMap(({ firstOffset, lastOffset, deliveryCount, lock }): ShareLock[] => {
    if (lock === undefined) return []
    const { memberId, untilMs } = lock
    return [{ firstOffset, lastOffset, deliveryCount, memberId, lockedUntilMs: untilMs }]
  })
  const startOffset = Math.min(fromOffset, locks[0]?.firstOffset ?? fromOffset)
  return { ...located, startOffset, highWatermark, available, delayed, acquired, locks, counters }
}

function countDelayed(
  facts: PartitionFacts,
  { firstOffset, lastOffset }: { firstOffset: number; lastOffset: number },
  nowMs: number,
): number {
  let count = 0
  for (const special of facts.special(firstOffset, lastOffset + 1)) {
    if (special.deliverAtMs <= nowMs || special.isVoid) continue
    const first = Math.max(firstOffset, special.firstOffset)
    count += Math.min(lastOffset, special.lastOffset) - first + 1
  }
  return count
}
