/**
 * What balanced assignments are, found without being clever: every way to give the partitions to
 * subscribers is tried. For groups of a handful of partitions.
 */
import type {
  AssignorMember,
  AssignorTopic,
} from '../../../../src/broker/group/assignors/assignor.js'
import type { MemberId, PartitionId } from '../../../../src/protocol/names.js'
import { type Assignment, countMoves } from './assignor-fixture.js'

export interface Best {
  /** The smallest: as balanced as can be. By default, the sum of the squares of the loads. */
  readonly imbalance: number
  /** The fewest moves that an assignment as balanced makes. */
  readonly moves: number
}

export function bestOfAll(
  members: readonly AssignorMember[],
  topics: readonly AssignorTopic[],
  imbalanceOf: (assignment: Assignment) => number = sumOfSquaredLoads,
): Best {
  let best: Best = { imbalance: Number.POSITIVE_INFINITY, moves: Number.POSITIVE_INFINITY }
  for (const assignment of everyAssignment(members, topics)) {
    const imbalance = imbalanceOf(assignment)
    if (imbalance > best.imbalance) continue
    const moves = countMoves(members, assignment)
    if (imbalance < best.imbalance || moves < best.moves) best = { imbalance, moves }
  }
  return best
}

export function sumOfSquaredLoads(assignment: Assignment): number {
  return [...assignment.values()].reduce((sum, ids) => sum + ids.length ** 2, 0)
}

function* everyAssignment(
  members: readonly AssignorMember[],
  topics: readonly AssignorTopic[],
): Generator<Assignment> {
  const choices = topics.flatMap(({ topic, partitionIds }) => {
    const takers = members.filter((member) => member.topics.has(topic))
    return takers.length === 0 ? [] : partitionIds.map((id) => ({ id, takers }))
  })
  const assignment = new Map<MemberId, PartitionId[]>()
  for (const { memberId } of members) assignment.set(memberId, [])
  yield* choose(0)

  function* choose(depth: number): Generator<Assignment> {
    const choice = choices[depth]
    if (choice === undefined) {
      yield assignment
      return
    }
    for (const { memberId } of choice.takers) {
      assignment.get(memberId)?.push(choice.id)
      yield* choose(depth + 1)
      assignment.get(memberId)?.pop()
    }
  }
}
