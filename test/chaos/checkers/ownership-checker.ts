/**
 * One owner per partition, as the members themselves see it. A member handles only what it holds, and
 * no two members of a group hold a partition at the same time while both are well. One that is
 * frozen, dying or cut off may believe for a while that it still does: it is excused if it then
 * learns that it was fenced, as it must. Nor does a partition have two owners under one epoch.
 */
import { Suspicions } from '../../sim/checkers/suspicions.js'
import { nameOf } from '../../sim/durable-log.js'
import type { Place, Report } from '../../sim/history.js'
import type { Holding, RecordedEvent, RecordedMessage, RecordedReader } from '../record.js'

/** An event of a consumer. */
interface Said {
  readonly tab: string
  readonly reader: RecordedReader
}

interface Told extends Said {
  readonly atMs: number
}

interface Member {
  readonly tab: string
  readonly groupId: string
  /** What it has of the broker that runs. */
  readonly held: Set<string>
  /** What it was given and has not let go or been told of as lost, of whichever broker. */
  readonly believed: Set<string>
  /** Which broker it joined. */
  incarnation: number
}

export class OwnershipChecker {
  readonly #report: Report
  readonly #unawareMsMax: number
  readonly #suspicions: Suspicions
  readonly #members = new Map<string, Member>()
  readonly #asleep = new Set<string>()
  readonly #dead = new Set<string>()
  readonly #ownersByEpoch = new Map<string, string>()
  #incarnation = 0

  /** With how long a member that is awake may not know that it was fenced. */
  constructor(report: Report, unawareMsMax: number) {
    this.#report = report
    this.#unawareMsMax = unawareMsMax
    this.#suspicions = new Suspicions(report)
  }

  on(event: RecordedEvent): void {
    this.#suspicions.confirm(event.atMs)
    switch (event.type) {
      case 'joined':
        this.#letGoOfAll(event)
        this.#memberOf(event).incarnation = this.#incarnation
        return
      case 'stopped':
        return this.#letGoOfAll(event)
      case 'assigned':
        return this.#assigned(event)
      case 'revoked':
        return this.#letGo(event, event.places)
      case 'lost':
        this.#excuse(event.reader.consumer, new Set(event.places.map(nameOf)))
        return this.#letGo(event, event.places)
      case 'handling':
        return this.#handling(event)
      case 'froze':
        this.#asleep.add(event.tab)
        this.#excuseTab(event.tab)
        return
      case 'resumed':
        this.#asleep.delete(event.tab)
        return
      case 'tabDied':
        this.#dead.add(event.tab)
        this.#excuseTab(event.tab)
        for (const [name, { tab }] of this.#members) {
          if (tab === event.tab) this.#members.delete(name)
        }
        return
      case 'brokerStarted':
        this.#incarnation += 1
        return
      case 'brokerDied':
        // With it, nobody owns anything: its members learn of it when they find the next.
        this.#suspicions.clear()
        for (const { held } of this.#members.values()) held.clear()
        return
      case 'rest':
        this.#suspicions.confirm(Infinity)
        return
      default:
    }
  }

  #assigned(event: Holding & Told): void {
    const { reader, places, atMs } = event
    const { held, believed } = this.#memberOf(event)
    for (const place of places.map(nameOf)) {
      const what = `${reader.groupId} ${place} was assigned to ${reader.consumer}`
      this.#suspectOthers(reader, { place, atMs, what })
      held.add(place)
      believed.add(place)
    }
  }

  #letGo(event: Said, places: readonly Place[]): void {
    const { held, believed } = this.#memberOf(event)
    for (const place of places.map(nameOf)) {
      held.delete(place)
      believed.delete(place)
    }
  }

  #letGoOfAll(event: Said): void {
    const { held, believed } = this.#memberOf(event)
    this.#excuse(event.reader.consumer, held)
    held.clear()
    believed.clear()
  }

  #handling(event: RecordedMessage & Told): void {
    const { tab, reader, offset, atMs } = event
    if (this.#dead.has(tab)) return
    const { believed, incarnation } = this.#memberOf(event)
    const place = nameOf(event.place)
    const what = `${reader.consumer} was given ${place}@${offset}`
    if (!believed.has(place)) this.#report(`${what}, which it does not hold`)
    // Of a broker that is gone, it may be at its last message.
    if (this.#asleep.has(tab) || incarnation !== this.#incarnation) return
    this.#suspectOthers(reader, { place, atMs, what })
    this.#checkEpoch(reader, place, what)
  }

  #checkEpoch(reader: RecordedReader, place: string, what: string): void {
    const { groupId, groupInstanceId, memberId, memberEpoch } = reader
    const key = `${this.#incarnation} ${groupId} ${place} ${memberEpoch}`
    // A static member that comes back takes over under the same epoch, with another member id.
    const owner = groupInstanceId ?? memberId ?? reader.consumer
    const before = this.#ownersByEpoch.get(key)
    if (before !== undefined && before !== owner) {
      this.#report(`${what}, under epoch ${memberEpoch} as ${before} was`)
    }
    this.#ownersByEpoch.set(key, owner)
  }

  #suspectOthers(
    reader: RecordedReader,
    { place, atMs, what }: { place: string; atMs: number; what: string },
  ): void {
    for (const [name, other] of this.#members) {
      if (name === reader.consumer || other.groupId !== reader.groupId) continue
      if (!other.held.has(place) || this.#asleep.has(other.tab)) continue
      this.#suspicions.add({
        place,
        consumers: [reader.consumer, name],
        untilMs: atMs + this.#unawareMsMax,
        what: `${what} at ${atMs} ms while ${name} holds it`,
      })
    }
  }

  #excuse(consumer: string, places: ReadonlySet<string>): void {
    this.#suspicions.excuse(consumer, (place) => places.has(place))
  }

  #excuseTab(tab: string): void {
    for (const [name, member] of this.#members) {
      if (member.tab === tab) this.#excuse(name, member.held)
    }
  }

  #memberOf({ tab, reader: { consumer, groupId } }: Said): Member {
    const member = this.#members.get(consumer)
    if (member !== undefined) return member
    const made = {
      tab,
      groupId,
      held: new Set<string>(),
      believed: new Set<string>(),
      incarnation: this.#incarnation,
    }
    // What a dead tab had still under way is of no consequence.
    if (!this.#dead.has(tab)) this.#members.set(consumer, made)
    return made
  }
}
