/**
 * One owner per partition: a handler starts only in the tab of the member that the coordinator has
 * down as the owner, and only when no handler of a former owner still runs. A member that was fenced
 * may not know of it for a moment, a frozen or disconnected one until it is back, and what its
 * handlers do meanwhile nobody can prevent; a member in good standing has no such excuse. Nor may who
 * reads a topic know for a moment that it was deleted: nobody owns it then, and whoever owns its
 * successor of the same name owns another one. Where no broker can be looked into, as in a history
 * from a real browser, that no two handlers of different owners run at once is all that there is to
 * see. And whether a member was in good standing is known only later: that it has lost a partition
 * may be heard after the next owner's first message.
 */
import { nameOf } from '../durable-log.js'
import type { Broker } from '../../../src/broker/runtime/broker.js'
import type { GroupId, PartitionId } from '../../../src/protocol/names.js'
import type { GroupDescription } from '../../../src/protocol/requests/groups.js'
import type { Checker, CheckerParts, Handling, MessageId, SimEvent } from '../history.js'
import { Suspicions } from './suspicions.js'

/** A handler between its start and its end, of a member that was never fenced in between. */
interface Running {
  readonly tab: string
  readonly consumer: string
  readonly memberKey: string
  readonly place: string
  /** Which of the partitions that have been at the place. */
  readonly partitionId: PartitionId | undefined
  readonly offset: number
  readonly id: MessageId
}

export class TwoOwnersChecker implements Checker {
  readonly name = 'two-owners'
  readonly #parts: CheckerParts
  /** For how long a member that hears everything may not know that it was fenced. */
  readonly #unawareMsMax: number
  #broker: Broker | undefined
  /** Whether there is ever a broker to look into. */
  #isAudited = false
  /** Members and partitions of the running broker, and since when it has others no more. */
  #members = new Set<string>()
  readonly #gone = new Map<string, number>()
  #partitions = new Set<PartitionId>()
  readonly #deleted = new Map<PartitionId, number>()
  readonly #running = new Set<Running>()
  /** What no broker can decide. */
  readonly #suspicions: Suspicions

  constructor(parts: CheckerParts, options: { unawareMsMax: number }) {
    this.#parts = parts
    this.#unawareMsMax = options.unawareMsMax
    this.#suspicions = new Suspicions(parts.report)
  }

  on(event: SimEvent): void {
    this.#suspicions.confirm(this.#parts.nowMs())
    switch (event.type) {
      case 'brokerStarted':
      case 'brokerDied':
        this.#broker = undefined
        this.#members = new Set()
        this.#gone.clear()
        this.#partitions = new Set()
        this.#deleted.clear()
        this.#running.clear()
        this.#suspicions.clear()
        return
      case 'audit':
        return this.#audit(event.broker)
      case 'handling':
        return this.#handling(event)
      case 'handled':
      case 'threw':
        return this.#ended((one) => isOf(one, event))
      case 'tabDied':
        return this.#tabEnded(event.tab)
      case 'tabFroze':
        // While it sleeps others may take over; whether they do, only the broker can tell.
        if (!this.#isAudited) this.#tabEnded(event.tab)
        return
      case 'lost': {
        if (this.#isAudited) return
        const { consumer, groupId } = event.reader
        const places = new Set(event.places.map((place) => `${groupId} ${nameOf(place)}`))
        this.#suspicions.excuse(consumer, (place) => places.has(place))
        return this.#ended((one) => one.consumer === consumer && places.has(one.place))
      }
      case 'rest':
        return this.#suspicions.confirm(Infinity)
      default:
    }
  }

  #audit(broker: Broker): void {
    this.#broker = broker
    this.#isAudited = true
    const nowMs = this.#parts.nowMs()
    const members = new Set<string>()
    for (const { groupId, members: ofGroup } of broker.state.groups.all()) {
      for (const { memberId, sessionId } of ofGroup.values()) {
        // A static member whose tab is away runs nothing.
        if (sessionId !== undefined) members.add(`${groupId} ${memberId}`)
      }
    }
    noteGone(this.#gone, { before: this.#members, after: members, nowMs })
    this.#members = members
    const partitions = new Set(broker.state.topics.all().flatMap((one) => one.partitionIds))
    noteGone(this.#deleted, { before: this.#partitions, after: partitions, nowMs })
    this.#partitions = partitions
    this.#ended(({ memberKey }) => !members.has(memberKey))
  }

  #handling(event: Handling): void {
    const { reader, place, isConnected } = event
    if (!isConnected) return
    if (!this.#isAudited) return this.#handlingUnaudited(event)
    // The state may have moved within this event already, since the last audit.
    if (this.#broker === undefined) return
    const { groups } = this.#broker.state
    const groupId = reader.groupId as GroupId
    const [group] = groups.has(groupId) ? groups.describe([groupId]) : []
    const member = group?.members.find(({ memberId }) => memberId === reader.memberId)
    // Without a session: a static one of whom the broker knows from its rows only.
    if (member?.sessionId === undefined) {
      this.#checkUnaware(event, this.#gone.get(keyOf(event)), 'its member was fenced')
      return
    }
    const { partitionId } = this.#parts.log.lifeOf(event) ?? {}
    if (partitionId !== undefined && this.#broker.state.logs.find(partitionId) === undefined) {
      this.#checkUnaware(event, this.#deleted.get(partitionId), 'its topic was deleted')
    } else {
      const isOwner = member.assigned.some((held) => isSame(held, place))
      if (!isOwner) this.#reportOwner(event, group)
    }
    this.#start(event)
  }

  /** A tab that has just come back may not have heard yet that it was fenced. */
  #handlingUnaudited(event: Handling): void {
    const isAware = this.#parts.nowMs() - event.runningSinceMs > this.#unawareMsMax
    if (isAware) this.#start(event)
  }

  #start(event: Handling): void {
    const { tab, consumer } = event.reader
    const { offset, id } = event
    const { partitionId } = this.#parts.log.lifeOf(event) ?? {}
    const memberKey = keyOf(event)
    const running = { tab, consumer, memberKey, place: placeOf(event), partitionId, offset, id }
    this.#checkAlone(running)
    this.#running.add(running)
  }

  /** @param sinceMs undefined where it has not been seen before this event */
  #checkUnaware(event: Handling, sinceMs: number | undefined, of: string): void {
    const nowMs = this.#parts.nowMs()
    const unawareMs = nowMs - Math.max(sinceMs ?? nowMs, event.runningSinceMs)
    if (unawareMs <= this.#unawareMsMax) return
    this.#parts.report(`${whatOf(event)} was delivered ${unawareMs} ms after ${of}`)
  }

  #checkAlone(starting: Running): void {
    for (const other of this.#running) {
      const { tab, memberKey, place, partitionId, offset } = other
      if (place !== starting.place || partitionId !== starting.partitionId) continue
      const isSame = memberKey === starting.memberKey
      const who = isSame ? 'itself' : `${memberKey} in ${tab}`
      const what = `${starting.tab} ${place}@${starting.offset} was delivered while ${who} handles ${offset}`
      if (this.#isAudited || isSame) this.#parts.report(what)
      else this.#suspect([starting, other], what)
    }
  }

  /** The one or the other may have lost it, and be heard of late: a tab tells that by itself. */
  #suspect([newer, older]: readonly [Running, Running], what: string): void {
    const nowMs = this.#parts.nowMs()
    this.#suspicions.add({
      place: newer.place,
      consumers: [newer.consumer, older.consumer],
      untilMs: nowMs + this.#unawareMsMax,
      what: `${what}, at ${nowMs} ms`,
    })
  }

  #reportOwner(event: Handling, group: GroupDescription | undefined): void {
    const owner = group?.members.find(({ assigned }) =>
      assigned.some((held) => isSame(held, event.place)),
    )
    const { memberId } = event.reader
    this.#parts.report(
      `${whatOf(event)} was delivered to ${memberId}, owned by ${owner?.memberId ?? 'nobody'}`,
    )
  }

  /** It cannot say any more what it has lost; a handler that it had ended needs no such excuse. */
  #tabEnded(tab: string): void {
    for (const one of this.#running) {
      if (one.tab === tab) this.#suspicions.excuse(one.consumer, (place) => place === one.place)
    }
    this.#ended((one) => one.tab === tab)
  }

  #ended(isOver: (running: Running) => boolean): void {
    for (const running of this.#running) if (isOver(running)) this.#running.delete(running)
  }
}

function isSame(
  a: { topic: string; partition: number },
  b: { topic: string; partition: number },
): boolean {
  return a.topic === b.topic && a.partition === b.partition
}

function isOf(running: Running, event: Omit<Handling, 'type'>): boolean {
  const isSameMember = running.memberKey === `${event.reader.groupId} ${event.reader.memberId}`
  return isSameMember && running.place === placeOf(event) && running.id === event.id
}

function noteGone<K>(
  gone: Map<K, number>,
  { before, after, nowMs }: { before: ReadonlySet<K>; after: ReadonlySet<K>; nowMs: number },
): void {
  for (const key of before) if (!after.has(key)) gone.set(key, nowMs)
  for (const key of after) gone.delete(key)
}

function keyOf({ reader }: Handling): string {
  return `${reader.groupId} ${reader.memberId}`
}

function placeOf({ reader, place }: Omit<Handling, 'type'>): string {
  return `${reader.groupId} ${nameOf(place)}`
}

function whatOf({ reader, place, offset }: Handling): string {
  return `${reader.tab} ${reader.groupId} ${nameOf(place)}@${offset}`
}
