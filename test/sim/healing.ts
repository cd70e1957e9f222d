/**
 * Whether the world is well: every group stable, every partition in exactly one tab and there
 * where the coordinator has it, nothing left to read or to commit.
 */
import type { GroupId } from '../../src/protocol/names.js'
import type { GroupDescription } from '../../src/protocol/requests/groups.js'
import { nameOf, pastVoid } from './durable-log.js'
import type { World } from './world.js'

/** What is not as it should be, one line each; empty when all is well. */
export function describeIllness(world: World): string[] {
  const { broker } = world.browser
  if (broker === undefined) return ['no broker runs']
  const sends = world.pendingCalls.filter(({ name }) => name === 'send' || name === 'publish')
  if (sends.length > 0) return [`${sends.length} sends are under way, in ${sends[0]?.tab}`]
  for (const { highWatermark, logEndOffset, partitionId } of broker.state.logs.all()) {
    if (highWatermark < logEndOffset) return [`partition ${partitionId} is not durable`]
  }
  const missing = world.topicNames.filter((topic) => broker.state.topics.find(topic) === undefined)
  if (missing.length > 0) return [`there is no ${missing.join()}`]
  const groups = broker.state.groups.describeAll()
  const ofShares = world.options.shareGroups.flatMap(({ groupId }) => {
    return illnessOfShares(world, groupId)
  })
  const ofGroups = world.options.groups.flatMap(({ groupId }) => {
    const group = groups.find((one) => one.groupId === groupId)
    return group === undefined ? [`there is no group ${groupId}`] : illnessOf(world, group)
  })
  return [...ofGroups, ...ofShares]
}

function illnessOf(world: World, group: GroupDescription): string[] {
  const { groupId, state, members, offsets } = group
  const ill: string[] = []
  if (state !== 'stable') ill.push(`${groupId} is ${state}`)
  for (const one of offsets) {
    const { committedOffset, highWatermark } = one
    if (one.lag === 0 || isLeftBehind(world, groupId, one)) continue
    ill.push(`${groupId} ${nameOf(one)}: committed ${committedOffset} of ${highWatermark}`)
  }
  const held = new Map<string, string>()
  for (const tab of world.tabs.filter((one) => one.isAlive)) {
    for (const { name, consumer, memberId } of tab.consumers.filter(
      (one) => one.groupId === groupId,
    )) {
      const places = consumer.assignment().map(nameOf).sort()
      const member = members.find((one) => one.memberId === memberId)
      const assigned = (member?.assigned ?? []).map(nameOf).sort()
      if (places.join() !== assigned.join()) {
        ill.push(`${name} holds [${places}], the coordinator says [${assigned}]`)
      }
      for (const place of places) {
        const other = held.get(place)
        if (other !== undefined) ill.push(`${groupId} ${place} is held by ${other} and ${name}`)
        held.set(place, name)
      }
    }
  }
  for (const topic of topicsOf(world)) {
    topic.partitionIds.forEach((_, partition) => {
      const place = nameOf({ topic: topic.topic, partition })
      if (!held.has(place)) ill.push(`${groupId} ${place} is held by nobody`)
    })
  }
  return ill
}

/**
 * What was committed is gone, and the reader went to the end, or what is left is void: an app that
 * commits by hand what it has handled has nothing to commit until there is more.
 */
function isLeftBehind(
  world: World,
  groupId: string,
  { partitionId, committedOffset = 0, highWatermark, lag }: GroupDescription['offsets'][number],
): boolean {
  const group = world.options.groups.find((one) => one.groupId === groupId)
  const isOutOfRange = highWatermark - committedOffset > lag
  const partition = world.history.log.byId(partitionId)
  const next = partition === undefined ? 0 : pastVoid(partition, highWatermark - lag)
  if (group?.commitsByHand === true && next >= highWatermark) return true
  return isOutOfRange && group?.commitsByHand === true && !group.fromBeginning
}

/** Of a share group too, that it has come to the end of everything. */
function illnessOfShares(world: World, groupId: string): string[] {
  const { shares } = broker(world).state
  if (!shares.has(groupId as GroupId)) return [`there is no share group ${groupId}`]
  const nowMs = world.clock.nowMs()
  const { members, partitions } = shares.describe(groupId as GroupId, { nowMs })
  const ill = members.length === 0 ? [`${groupId} has no members`] : []
  for (const topic of topicsOf(world)) {
    topic.partitionIds.forEach((partitionId, partition) => {
      const one = partitions.find((known) => known.partitionId === partitionId)
      const place = nameOf({ topic: topic.topic, partition })
      if (one === undefined) ill.push(`${groupId} does not read ${place}`)
      else if (one.startOffset < one.highWatermark) {
        ill.push(`${groupId} ${place}: done up to ${one.startOffset} of ${one.highWatermark}`)
      }
    })
  }
  return ill
}

/** Those that the apps made: the broker makes topics for dead letters. */
function topicsOf(world: World) {
  const names = new Set<string>(world.topicNames)
  return broker(world)
    .state.topics.all()
    .filter(({ topic }) => names.has(topic))
}

function broker(world: World) {
  const { broker: running } = world.browser
  if (running === undefined) throw new Error('no broker runs')
  return running
}
