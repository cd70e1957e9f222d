/**
 * What a consumer gets of a partition from one assignment to the next: within it, each message
 * follows the one before. A seek leaves open what comes next.
 */
import { nameOf, type DurablePartition, type DurableLog } from '../durable-log.js'
import type { Listener, Handling, Place, SimEvent } from '../history.js'

export interface Stint {
  /** Of which life of the topic. */
  partition: DurablePartition | undefined
  /** The offset after the last message that its handler finished; undefined while any may come. */
  next: number | undefined
  /** The message that its handler has, unless a seek has made void what comes of it. */
  atHand: number | undefined
}

export class Stints implements Listener {
  readonly #log: DurableLog
  /** By group and place, then by consumer. */
  readonly #stints = new Map<string, Map<string, Stint>>()

  constructor(log: DurableLog) {
    this.#log = log
  }

  on(event: SimEvent): void {
    switch (event.type) {
      case 'assigned': {
        const { groupId, consumer } = event.reader
        for (const place of event.places) this.#at(groupId, place)?.delete(consumer)
        return
      }
      case 'sought':
        for (const stint of this.#at(event.groupId, event.place)?.values() ?? []) {
          stint.next = undefined
          stint.atHand = undefined
        }
        return
      case 'handling':
        this.#of(event).atHand = event.offset
        return
      case 'handled':
        return this.#handled(event)
      case 'powerCut':
        this.#stints.clear()
        return
      default:
    }
  }

  /** Undefined when nothing is known of what the consumer had before. */
  of({ reader, place }: Omit<Handling, 'type'>): Stint | undefined {
    return this.#at(reader.groupId, place)?.get(reader.consumer)
  }

  #handled(event: Omit<Handling, 'type'>): void {
    const stint = this.of(event)
    if (stint?.atHand !== event.offset) return
    stint.partition = this.#log.lifeOf(event)
    stint.next = event.offset + 1
    stint.atHand = undefined
  }

  #of({ reader, place }: Handling): Stint {
    const byConsumer = this.#at(reader.groupId, place) ?? new Map<string, Stint>()
    this.#stints.set(keyOf(reader.groupId, place), byConsumer)
    const stint = byConsumer.get(reader.consumer) ?? {
      partition: undefined,
      next: undefined,
      atHand: undefined,
    }
    byConsumer.set(reader.consumer, stint)
    return stint
  }

  #at(groupId: string, place: Place): Map<string, Stint> | undefined {
    return this.#stints.get(keyOf(groupId, place))
  }
}

function keyOf(groupId: string, place: Place): string {
  return `${groupId} ${nameOf(place)}`
}
