/**
 * The rebalances of a group as a tab sees them in one state after the other: why, from which epoch to
 * which, who had what before and after, and how long it took. Pure: states are handed to it.
 */
import type { ClusterState, GroupDescription, MemberDescription } from '../../src/index.js'
import { tabName, type TabName } from '../cluster/cluster-view.js'

export interface Rebalance {
  readonly id: number
  readonly why: readonly string[]
  readonly fromEpoch: number
  readonly toEpoch: number
  /** By partition: whose it was, and whose it is to be. */
  readonly before: readonly (TabName | undefined)[]
  readonly after: readonly (TabName | undefined)[]
  readonly startedAtMs: number
  /** Undefined while partitions are still moving. */
  readonly tookMs: number | undefined
}

const KEPT_MAX = 30

interface Known {
  readonly incarnation: string
  readonly epoch: number
  readonly assignor: string
  readonly members: ReadonlyMap<string, MemberDescription>
  readonly owners: readonly (TabName | undefined)[]
}

export class Rebalances {
  readonly #names: { readonly topic: string; readonly group: string }
  #all: readonly Rebalance[] = []
  #known: Known | undefined
  #lastId = 0

  constructor(names: { topic: string; group: string }) {
    this.#names = names
  }

  /** The newest first. */
  get all(): readonly Rebalance[] {
    return this.#all
  }

  note(state: ClusterState): void {
    const group = state.groups.find(({ groupId }) => groupId === this.#names.group)
    const topic = state.topics.find((one) => one.topic === this.#names.topic)
    if (group === undefined || topic === undefined) return
    const now = this.#knownOf(state, group, topic.partitions.length)
    const before = this.#known
    if (before !== undefined) this.#compare(before, now, { group, atMs: state.atMs })
    this.#known = now
  }

  #compare(
    before: Known,
    now: Known,
    { group, atMs }: { group: GroupDescription; atMs: number },
  ): void {
    const [latest] = this.#all
    const isUnderWay = latest !== undefined && latest.tookMs === undefined
    const why = reasons(before, now)
    if (why.length > 0) {
      const after = targets(group, this.#names.topic, now.owners.length)
      // What changes while partitions still move is part of the same unrest.
      if (isUnderWay)
        this.#replace({ ...latest, why: merged(latest.why, why), toEpoch: now.epoch, after })
      else {
        const begun = { id: ++this.#lastId, why, after, startedAtMs: atMs, tookMs: undefined }
        const epochs = { fromEpoch: before.epoch, toEpoch: now.epoch }
        this.#all = [{ ...begun, ...epochs, before: before.owners }, ...this.#all].slice(
          0,
          KEPT_MAX,
        )
      }
    }
    this.#maybeEnd(group, atMs)
  }

  #maybeEnd(group: GroupDescription, atMs: number): void {
    const [latest] = this.#all
    if (latest === undefined || latest.tookMs !== undefined || group.state === 'reconciling') return
    const count = Math.max(latest.before.length, latest.after.length)
    const after = targets(group, this.#names.topic, count)
    this.#replace({ ...latest, after, tookMs: atMs - latest.startedAtMs })
  }

  #replace(latest: Rebalance): void {
    this.#all = [latest, ...this.#all.slice(1)]
  }

  #knownOf(state: ClusterState, group: GroupDescription, partitions: number): Known {
    return {
      incarnation: state.incarnation,
      epoch: group.groupEpoch,
      assignor: group.assignor,
      members: new Map(group.members.map((member) => [member.memberId, member])),
      owners: ownersOf(group, partitions, ({ assigned }) =>
        assigned.filter(({ topic }) => topic === this.#names.topic),
      ),
    }
  }
}

/** How many partitions changed hands. */
export function movedIn({ before, after }: Rebalance): number {
  return after.filter((owner, partition) => owner?.text !== before[partition]?.text).length
}

function reasons(before: Known, now: Known): string[] {
  if (before.incarnation !== now.incarnation) return ['the broker began anew, and all join again']
  if (now.epoch === before.epoch) return []
  const joined = [...now.members.values()].filter(({ memberId }) => !before.members.has(memberId))
  const left = [...before.members.values()].filter(({ memberId }) => !now.members.has(memberId))
  const name = ({ clientId }: MemberDescription) => tabName(clientId).text
  const why = [
    ...left.map((member) => `${name(member)} left`),
    ...joined.map((member) => `${name(member)} joined`),
  ]
  const [from, to] = [before.owners.length, now.owners.length]
  if (from !== to) why.push(`the topic has ${to} partitions, not ${from}`)
  if (before.assignor !== now.assignor) why.push(`partitions are dealt by ${now.assignor}`)
  return why.length > 0 ? why : ['a member asked for something else']
}

/** When the broker begins anew, that somebody joins says nothing more. */
function merged(earlier: readonly string[], later: readonly string[]): readonly string[] {
  const isNewBroker = earlier.some((why) => why.startsWith('the broker began anew'))
  if (isNewBroker) return earlier
  return [...new Set([...earlier, ...later])]
}

function targets(group: GroupDescription, topic: string, partitions: number) {
  return ownersOf(group, partitions, ({ target }) => target.filter((one) => one.topic === topic))
}

function ownersOf(
  { members }: GroupDescription,
  partitions: number,
  held: (member: MemberDescription) => readonly { readonly partition: number }[],
): (TabName | undefined)[] {
  const owners = Array.from<TabName | undefined>({ length: partitions })
  for (const member of members) {
    for (const { partition } of held(member)) owners[partition] = tabName(member.clientId)
  }
  return owners
}
