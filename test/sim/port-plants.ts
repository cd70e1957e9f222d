/** Planted bugs of the port: requests that are not passed on as they came, replies that are wrong. */
import {
  nextOffsetOf,
  parseBatchHeader,
  type ReadBatchHeader,
} from '../../src/protocol/batch-header.js'
import type { Broker } from '../../src/broker/runtime/broker.js'
import type { GroupId, MemberId, PartitionId } from '../../src/protocol/names.js'
import type { MemberDescription } from '../../src/protocol/requests/groups.js'
import type { FetchedPartition } from '../../src/protocol/requests/log.js'
import type { PartitionResult } from '../../src/protocol/requests/partitions.js'
import type {
  Request,
  RequestOf,
  ResponseOf,
  WireReply,
} from '../../src/protocol/requests/request.js'

export interface PlantedBroker {
  readonly broker: Broker
  ask(request: Request): Promise<WireReply>
}

/** Answers instead of the broker, which it may ask. */
export type PlantedAnswer = (request: Request, broker: PlantedBroker) => Promise<WireReply>

type Commit = RequestOf<'commitOffsets'>

/** The last commit of each member, to be made once more when another has the partitions. */
const lastCommits = new WeakMap<Broker, Map<GroupId, Commit[]>>()

/**
 * A commit counts whoever makes it, under whatever epoch; and one that was sent before a rebalance
 * arrives once more after it.
 */
export const unfencedCommits: PlantedAnswer = async (request, { broker, ask }) => {
  if (request.api !== 'commitOffsets' || request.member === undefined) return ask(request)
  const { groupId, member } = request
  const ofBroker = lastCommits.get(broker) ?? new Map<GroupId, Commit[]>()
  lastCommits.set(broker, ofBroker)
  const known = ofBroker.get(groupId) ?? []
  const isOthers = (late: Commit) =>
    late.member?.memberId !== member.memberId &&
    late.offsets.some(({ partitionId }) =>
      request.offsets.some((offset) => offset.partitionId === partitionId),
    )
  const late = known.filter(isOthers)
  ofBroker.set(groupId, [...known.filter((one) => !isOthers(one)), request])
  const reply = await askAsOwner(request, { broker, ask })
  for (const one of late) await askAsOwner(one, { broker, ask })
  return reply
}

/** Revoked partitions count as let go the moment a member hears of it. */
export const hastyHandover: PlantedAnswer = async (request, { ask }) => {
  const reply = await ask(request)
  if (request.api !== 'groupHeartbeat' || !reply.ok) return reply
  const { memberEpoch, assigned } = reply.value as ResponseOf<'groupHeartbeat'>
  const kept = assigned.map(({ partitionId }) => partitionId)
  if (request.owned?.every((partitionId) => kept.includes(partitionId)) !== false) return reply
  return ask({ ...request, member: { ...request.member, memberEpoch }, owned: kept })
}

/** Commits are acknowledged, and nothing is committed. */
export const emptyCommits: PlantedAnswer = (request, { ask }) =>
  ask(request.api === 'commitOffsets' ? { ...request, offsets: [] } : request)

/** A commit is made, its answer is lost now and then, and nobody looks whether it is made again. */
export const countedTwice: PlantedAnswer = async (request, { ask }) => {
  if (request.api !== 'commitOffsets' || request.store === undefined) return ask(request)
  const offsets = request.offsets.map((offset) => ({ ...offset, from: Number.MAX_SAFE_INTEGER }))
  const reply = await ask({ ...request, offsets })
  if (!reply.ok || offsets.every(({ offset }) => offset % 4 !== 3)) return reply
  const error = { code: 'STORAGE_ERROR', message: 'planted', details: {} } as const
  return { incarnation: reply.incarnation, ok: false, error }
}

/** Now and then the broker has a bug, and says so. */
export const serverErrors: PlantedAnswer = async (request, { ask }) => {
  const reply = await ask(request)
  if (request.api !== 'produce' || !reply.ok) return reply
  const { results } = reply.value as ResponseOf<'produce'>
  const isStruck = results.some((one) => one.error === undefined && one.baseOffset % 16 === 7)
  const error = { code: 'UNKNOWN_SERVER_ERROR', message: 'TypeError', details: {} } as const
  return isStruck ? { incarnation: reply.incarnation, ok: false, error } : reply
}

/** Of what a fetch finds, the first batch is now and then left out. */
export const lostBatch: PlantedAnswer = (request, broker) =>
  changeFetched(request, broker, (found) =>
    found.batches.length > 2 ? { ...found, batches: found.batches.slice(1) } : found,
  )

/** Nothing of a partition is seen any more from its fifth message on. */
export const staleWatermark: PlantedAnswer = (request, { broker, ask }) => {
  if (request.api !== 'fetch') return ask(request)
  const partitions = request.partitions.filter(({ offset }) => offset < 4)
  return changeFetched({ ...request, partitions }, { broker, ask }, (found) => {
    const last = found.batches.at(-1)
    const end = last === undefined ? 4 : nextOffsetOf(parseBatchHeader(last))
    return { ...found, highWatermark: Math.min(found.highWatermark, end) }
  })
}

/** An offset that is there is now and then called out of range. */
export const falseOutOfRange: PlantedAnswer = async (request, { ask }) => {
  const reply = await ask(request)
  if (request.api !== 'fetch' || !reply.ok) return reply
  const { partitions } = reply.value as ResponseOf<'fetch'>
  const asked = new Map(request.partitions.map(({ partitionId, offset }) => [partitionId, offset]))
  const changed = partitions.map((found): (typeof partitions)[number] => {
    const { partitionId } = found
    if (found.error !== undefined || (asked.get(partitionId) ?? 0) % 16 !== 9) return found
    const error = { code: 'OFFSET_OUT_OF_RANGE', message: 'planted', details: {} } as const
    return { partitionId, error }
  })
  return { ...reply, value: { partitions: changed } }
}

/** A producer is now and then told the offset after its own. */
export const wrongBaseOffset: PlantedAnswer = async (request, { ask }) => {
  const reply = await ask(request)
  if (request.api !== 'produce' || !reply.ok) return reply
  const { results } = reply.value as ResponseOf<'produce'>
  const wrong = results.map((one) =>
    one.error === undefined && one.baseOffset % 8 === 5
      ? { ...one, baseOffset: one.baseOffset + 1 }
      : one,
  )
  return { ...reply, value: { results: wrong } }
}

/** A request that waits for the one after it, so that the two change places. */
const heldBack = new WeakMap<Broker, { readonly partitionId: PartitionId; pass(): void }>()

/** Sequences are not looked at, and now and then a batch is overtaken by the next. */
export const unsequenced: PlantedAnswer = async (request, { broker, ask }) => {
  if (request.api !== 'produce') return ask(request)
  const partitionIds = request.batches.map(({ partitionId }) => partitionId)
  const header = headerOf(request)
  for (const { batch } of request.batches) new DataView(batch).setUint8(3, 0)
  const held = heldBack.get(broker)
  if (held !== undefined && partitionIds.includes(held.partitionId)) {
    heldBack.delete(broker)
    const reply = await ask(request)
    held.pass()
    return reply
  }
  const [partitionId] = partitionIds
  const isToWait = (header?.producer?.baseSequence ?? 0) % 4 === 1
  if (held !== undefined || partitionId === undefined || !isToWait) return ask(request)
  await new Promise<void>((pass) => {
    heldBack.set(broker, { partitionId, pass })
  })
  return ask(request)
}

/** What is published is now and then stored once more, under a name that the broker does not know. */
export const publishedTwice: PlantedAnswer = async (request, { ask }) => {
  if (request.api !== 'publish' || request.firstNumber % 4 !== 3) return ask(request)
  const copy = structuredClone(request)
  const reply = await ask(request)
  await ask({ ...copy, producerId: 1 as typeof copy.producerId })
  return reply
}

/** What is published is now and then led elsewhere. */
export const misrouted: PlantedAnswer = (request, { ask }) => {
  if (request.api !== 'publish' || request.firstNumber % 4 !== 3) return ask(request)
  const publications = request.publications.map((one) => ({ ...one, routingKey: 'us.new' }))
  return ask({ ...request, publications })
}

/** Now and then the broker is not told that messages have ids. */
export const unknownIds: PlantedAnswer = (request, { ask }) => {
  if (request.api !== 'produce') return ask(request)
  for (const { batch } of request.batches) {
    const view = new DataView(batch)
    // Its sequence number decides, so that what is sent again is treated alike.
    if (view.getUint32(60, true) % 2 === 1) view.setUint8(3, view.getUint8(3) & ~2)
  }
  return ask(request)
}

/** Whoever repeats a message is told the offset behind the first. */
export const wrongOriginals: PlantedAnswer = async (request, { ask }) => {
  const reply = await ask(request)
  if (request.api !== 'produce' || !reply.ok) return reply
  const { results } = reply.value as ResponseOf<'produce'>
  const wrong = results.map((one) => {
    if (one.error !== undefined || one.repeats === undefined) return one
    const offsets = one.repeats.offsets.map((offset) => offset + 1)
    return { ...one, repeats: { ...one.repeats, offsets } }
  })
  return { ...reply, value: { results: wrong } }
}

function headerOf({ batches }: RequestOf<'produce'>): ReadBatchHeader | undefined {
  const [first] = batches
  return first === undefined ? undefined : parseBatchHeader(first.batch)
}

async function changeFetched(
  request: Request,
  { ask }: PlantedBroker,
  change: (found: FetchedPartition) => FetchedPartition,
): Promise<WireReply> {
  const reply = await ask(request)
  if (request.api !== 'fetch' || !reply.ok) return reply
  const { partitions } = reply.value as ResponseOf<'fetch'>
  const changed = partitions.map((found): PartitionResult<FetchedPartition> =>
    found.error === undefined ? { ...found, ...change(found) } : found,
  )
  return { ...reply, value: { partitions: changed } }
}

function askAsOwner(request: Commit, { broker, ask }: PlantedBroker): Promise<WireReply> {
  const [owner] = ownersOf(broker, request)
  return ask(owner === undefined ? request : { ...request, member: owner })
}

function ownersOf(
  broker: Broker,
  { groupId, offsets }: Commit,
): { memberId: MemberId; memberEpoch: number }[] {
  const wanted = new Set(offsets.map(({ partitionId }) => partitionId))
  const { groups } = broker.state
  if (!groups.list().some((group) => group.groupId === groupId)) return []
  const holds = ({ assigned }: MemberDescription) =>
    assigned.some(({ partitionId }) => wanted.has(partitionId))
  return groups
    .describe([groupId])
    .flatMap(({ members }) => members.filter(holds))
    .map(({ memberId, memberEpoch }) => ({ memberId, memberEpoch }))
}
