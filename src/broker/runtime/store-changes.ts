/**
 * Changes of stores that are one with progress: a commit of offsets, or acknowledgements, and what their
 * messages led to go into one transaction. On a full disk neither comes to be: the offsets are as they
 * were, and the messages are available again.
 */
import { definedOrThrow } from '../../std/assert.js'
import { allEnded } from '../../std/promises.js'
import { hasCode, toWireError, type WireError } from '../../protocol/errors.js'
import type { RequestOf, ResponseOf } from '../../protocol/requests/request.js'
import type { Acknowledgement } from '../../protocol/requests/share-groups.js'
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
 * A rejection is answered when its dead letter is written, or was not. What comes with changes of a store is
 * a transaction's own part, after the others: on a full disk it alone is refused.
 */
export async function shareAcknowledge(
  broker: Broker,
  request: RequestOf<'shareAcknowledge'>,
): Promise<ResponseOf<'shareAcknowledge'>> {
  const { acknowledgements } = request
  const withStore = acknowledgements.filter(({ store }) => store !== undefined)
  const others = acknowledgements.filter(({ store }) => store === undefined)
  // Refused before anything is decided.
  checkStoreWrites(broker, withStore)
  const said: Promise<Answers>[] = []
  if (others.length > 0) {
    // It goes along with what follows.
    const urgency = withStore.length > 0 ? 'lingering' : urgencyOf(request)
    said.push(acknowledge(broker, { ...request, acknowledgements: others }, urgency))
  }
  if (withStore.length > 0) {
    said.push(acceptWithStore(broker, { ...request, acknowledgements: withStore }))
  }
  const results = new Map((await allEnded(said)).flat())
  return {
    results: acknowledgements.map((one) =>
      definedOrThrow(results.get(one), () => `no answer to what was said of ${one.firstOffset}`),
    ),
  }
}

type Answers = readonly (readonly [Acknowledgement, { readonly error?: WireError }])[]

async function acknowledge(
  broker: Broker,
  request: RequestOf<'shareAcknowledge'>,
  urgency: Urgency,
): Promise<Answers> {
  const { groupId, acknowledgements } = request
  const decision = broker.state.shares.acknowledge(request, broker.context())
  const applied = broker.apply(decision, urgency)
  const buried = acknowledgements.map((acknowledgement, index) => {
    const isRejected =
      acknowledgement.type === 'reject' && decision.response.results[index]?.error === undefined
    return isRejected ? broker.deadLetters.outcomes(groupId, acknowledgement) : undefined
  })
  const { results } = await applied
  return Promise.all(
    acknowledgements.map(async (one, index): Promise<Answers[number]> => {
      try {
        await buried[index]
        return [one, results[index] ?? {}]
      } catch (error) {
        return [one, { error: toWireError(error) }]
      }
    }),
  )
}

async function acceptWithStore(
  broker: Broker,
  request: RequestOf<'shareAcknowledge'>,
): Promise<Answers> {
  const { groupId, acknowledgements } = request
  const { shares, stores } = broker.state
  const { records, response } = shares.acknowledge(request, broker.context())
  const accepted = acknowledgements.filter(
    (_, index) => response.results[index]?.error === undefined,
  )
  const writes = accepted.flatMap(({ store }) => store ?? [])
  const changes = decideStoreWrites(stores, writes, broker.limits)
  const before = shares.knownOf(groupId, accepted)
  const undo = () => {
    const undone = shares.undoAccepted(groupId, before, broker.context())
    for (const record of undone) shares.replay(record)
    return undone.filter((record) => record.type === 'sharePartition')
  }
  const releaseKeys = broker.holdKeys(groupId, accepted)
  const answers = (results: readonly { readonly error?: WireError }[]): Answers =>
    acknowledgements.map((one, index) => [one, results[index] ?? {}])
  try {
    const decision = { records: [...records, ...changes], response }
    const { results } = await broker.apply(decision, urgencyOf(request), { undo })
    return answers(results)
  } catch (error) {
    if (!hasCode(error, 'STORAGE_FULL')) throw error
    const full = { error: toWireError(error) }
    return answers(response.results.map((result) => (result.error === undefined ? full : result)))
  } finally {
    releaseKeys()
  }
}

/** @throws TabmqError POLICY_VIOLATION, INVALID_REQUEST when they are too many */
function checkStoreWrites(
  { state, limits }: Broker,
  acknowledgements: readonly Acknowledgement[],
): void {
  const writes = acknowledgements.flatMap(({ store }) => store ?? [])
  decideStoreWrites(state.stores, writes, limits)
}

function urgencyOf({ mayLinger }: { readonly mayLinger?: boolean }): Urgency {
  return mayLinger === true ? 'lingering' : 'relaxed'
}

function isOffset(record: GroupRecord): record is OffsetRecord {
  return record.type === 'offset'
}
