/**
 * Changes of stores that are one with progress: a commit of offsets, or acknowledgements, and what their
 * messages led to go into one transaction. On a full disk neither comes to be: the offsets are as they
 * were, and the messages are available again.
 */
import { toWireError } from '../../protocol/errors.js'
import type { RequestOf, ResponseOf } from '../../protocol/requests.js'
import { decideStoreWrites } from '../store/decide-store.js'
import type { GroupRecord } from '../records.js'
import type { OffsetRecord } from '../group/group-coordinator.js'
import type { Broker } from './broker.js'
import type { Urgency } from './group-commit.js'

/** Answered in the order of decisions: no turn later than others that wait for the same transaction. */
export function commitOffsets(
  broker: Broker,
  request: RequestOf<'commitOffsets'>,
): Promise<ResponseOf<'commitOffsets'>> {
  const { groups, stores } = broker.state
  const { records, response } = groups.commit(request, broker.context())
  const urgency = urgencyOf(request)
  if (request.store === undefined) return broker.apply({ records, response }, urgency)
  const changes = decideStoreWrites(stores, [request.store], broker.limits)
  const offsets = records.filter(isOffset)
  // The group itself stays, if it was made by this.
  const others = records.filter((record) => record.type === 'group')
  const before = new Map(
    offsets.map((one) => [one, groups.offsetOf(one.groupId, one.partitionId) ?? null]),
  )
  return broker.apply({ records: [...records, ...changes], response }, urgency, {
    undo: () => [...others, ...groups.undoCommit(offsets, before)],
  })
}

/**
 * A rejection is answered when its dead letter is written, or was not; what is said of other messages in
 * the same request has taken effect all the same.
 */
export async function shareAcknowledge(
  broker: Broker,
  request: RequestOf<'shareAcknowledge'>,
): Promise<ResponseOf<'shareAcknowledge'>> {
  const { shares, stores } = broker.state
  const { records, response } = shares.acknowledge(request, broker.context())
  const { groupId, acknowledgements } = request
  const accepted = acknowledgements.filter(
    ({ store }, index) => store !== undefined && response.results[index]?.error === undefined,
  )
  const writes = accepted.flatMap(({ store }) => store ?? [])
  const changes = decideStoreWrites(stores, writes, broker.limits)
  const before = shares.knownOf(groupId, accepted)
  const undo = () => {
    const undone = shares.undoAccepted(groupId, before, broker.context())
    for (const record of undone) shares.replay(record)
    return undone.filter((record) => record.type === 'sharePartition')
  }
  const decision = { records: [...records, ...changes], response }
  const releaseKeys = broker.holdKeys(groupId, changes.length > 0 ? accepted : [])
  const applied = broker
    .apply(decision, urgencyOf(request), changes.length > 0 ? { undo } : {})
    .finally(releaseKeys)
  const buried = acknowledgements.map((acknowledgement, index) => {
    const isRejected =
      acknowledgement.type === 'reject' && response.results[index]?.error === undefined
    return isRejected ? broker.deadLetters.outcomes(groupId, acknowledgement) : undefined
  })
  const { results } = await applied
  return {
    results: await Promise.all(
      results.map(async (result, index) => {
        try {
          await buried[index]
          return result
        } catch (error) {
          return { error: toWireError(error) }
        }
      }),
    ),
  }
}

function urgencyOf({ mayLinger }: { readonly mayLinger?: boolean }): Urgency {
  return mayLinger === true ? 'lingering' : 'relaxed'
}

function isOffset(record: GroupRecord): record is OffsetRecord {
  return record.type === 'offset'
}
