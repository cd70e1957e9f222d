/** Planted bugs of the port where share groups use it: what is asked and answered is not what it should be. */
import type { Broker } from '../../../src/broker/runtime/broker.js'
import type { GroupId } from '../../../src/protocol/names.js'
import type { RequestOf, ResponseOf, WireReply } from '../../../src/protocol/requests/request.js'
import type {
  Acknowledgement,
  SharedPartition,
} from '../../../src/protocol/requests/share-groups.js'
import type { PlantedAnswer, PlantedBroker } from '../port-plants.js'

interface Given {
  readonly memberId: string
  readonly partition: SharedPartition
}

/** What was handed out last in each group. */
const lastGiven = new WeakMap<Broker, Map<GroupId, Given>>()

/** What one member was given, the next one that asks is given as well. */
export const doubleDelivery: PlantedAnswer = async (request, { broker, ask }) => {
  const reply = await ask(request)
  if (request.api !== 'shareFetch' || !reply.ok) return reply
  const { groupId, memberId } = request
  const value = reply.value as ResponseOf<'shareFetch'>
  const ofBroker = lastGiven.get(broker) ?? new Map<GroupId, Given>()
  lastGiven.set(broker, ofBroker)
  const other = ofBroker.get(groupId)
  const [first] = value.partitions
  if (first === undefined) return reply
  ofBroker.set(groupId, { memberId, partition: first })
  if (other === undefined || other.memberId === memberId) return reply
  return { ...reply, value: { ...value, partitions: [...value.partitions, other.partition] } }
}

/** What is accepted is said to be, and is not. */
export const emptyAccepts: PlantedAnswer = (request, broker) =>
  changeSaid(request, broker, (said) => (said.type === 'accept' ? undefined : said))

/** What is rejected is accepted. */
export const quietRejects: PlantedAnswer = (request, broker) =>
  changeSaid(request, broker, (said) => {
    if (said.type !== 'reject') return said
    const { reason: _, ...others } = said
    return { ...others, type: 'accept' }
  })

/** What is released is as if it had never been delivered. */
export const freeReleases: PlantedAnswer = (request, broker) =>
  changeSaid(request, broker, (said) => {
    if (said.type !== 'release') return said
    const { delayMs: _, ...others } = said
    return { ...others, type: 'return' }
  })

/** What is released is so at once. */
export const hastyReleases: PlantedAnswer = (request, broker) =>
  changeSaid(request, broker, (said) => (said.type === 'release' ? { ...said, delayMs: 0 } : said))

/** Some of what is handed out is accepted before anybody has begun with it. */
export const hastyAccepts: PlantedAnswer = async (request, { ask }) => {
  const reply = await ask(request)
  if (request.api !== 'shareFetch' || !reply.ok) return reply
  const { groupId, memberId } = request
  const { partitions } = reply.value as ResponseOf<'shareFetch'>
  const acknowledgements = partitions.flatMap(({ partitionId, acquired }) =>
    acquired
      .filter(({ firstOffset }) => firstOffset % 8 === 5)
      .map((range): Acknowledgement => ({ ...range, partitionId, type: 'accept' })),
  )
  if (acknowledgements.length > 0) {
    await ask({ api: 'shareAcknowledge', groupId, memberId, acknowledgements })
  }
  return reply
}

/** Nobody's keys are looked at. */
export const keysUnseen: PlantedAnswer = (request, { ask }) => {
  if (request.api !== 'joinShareGroup') return ask(request)
  return ask({ ...request, options: { ...request.options, isOrderedByKey: false } })
}

/** Where the header of a batch says whether any record has properties. */
const FLAGS_AT = 3
const HAS_PROPERTIES = 0x02

/** No batch says that some of its messages are delayed, or expire. */
export const propertiesUnseen: PlantedAnswer = (request, { ask }) => {
  if (request.api !== 'produce') return ask(request)
  for (const { batch } of request.batches) {
    const view = new DataView(batch)
    view.setUint8(FLAGS_AT, view.getUint8(FLAGS_AT) & ~HAS_PROPERTIES)
  }
  return ask(request)
}

async function changeSaid(
  request: Parameters<PlantedAnswer>[0],
  { ask }: PlantedBroker,
  change: (said: Acknowledgement) => Acknowledgement | undefined,
): Promise<WireReply> {
  if (request.api !== 'shareAcknowledge') return ask(request)
  const changed = request.acknowledgements.map(change)
  const passed: RequestOf<'shareAcknowledge'> = {
    ...request,
    acknowledgements: changed.filter((said) => said !== undefined),
  }
  const reply = await ask(passed)
  if (!reply.ok) return reply
  const { results } = reply.value as ResponseOf<'shareAcknowledge'>
  const left = [...results]
  const value = { results: changed.map((said) => (said === undefined ? {} : (left.shift() ?? {}))) }
  return { ...reply, value }
}
