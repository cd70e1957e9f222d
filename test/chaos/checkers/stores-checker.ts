/**
 * State and progress are one: of each partition as many messages are counted as there are, up to the last;
 * and of each job that was done there is the entry that its acceptance made, of no other. Looked at when
 * all is done, with what the stores have at the end.
 */
import { nameOf, type DurableLog } from '../../sim/durable-log.js'
import type { Report } from '../../sim/history.js'
import { COUNTED_TOPIC, isPoison, JOBS_TOPIC, jobKey, type Counted } from '../plan.js'
import type { RecordedEvent } from '../record.js'

export interface StoresAtEnd {
  readonly counts: readonly (readonly [place: string, counted: Counted])[]
  /** The keys of jobs. */
  readonly done: readonly string[]
}

export class StoresChecker {
  readonly #report: Report
  readonly #log: DurableLog
  readonly #stores: StoresAtEnd

  constructor(report: Report, log: DurableLog, stores: StoresAtEnd) {
    this.#report = report
    this.#log = log
    this.#stores = stores
  }

  on(event: RecordedEvent): void {
    if (event.type !== 'rest') return
    const counts = new Map(this.#stores.counts)
    const done = new Set(this.#stores.done)
    for (const { place, records } of this.#log.all()) {
      if (place.topic === COUNTED_TOPIC) {
        const name = `${place.topic}/${place.partition}`
        this.#checkCount(nameOf(place), records.length, counts.get(name))
        counts.delete(name)
      }
      if (place.topic !== JOBS_TOPIC) continue
      for (const [offset, record] of records.entries()) {
        if (record === undefined) continue
        const { id } = record.value as { id: number }
        const key = jobKey(place.partition, offset)
        const isDone = done.delete(key)
        if (isDone === isPoison(id)) {
          this.#report(`job ${id} at ${key} is ${isDone ? '' : 'not '}in the store`)
        }
      }
    }
    for (const name of counts.keys()) this.#report(`${name} was counted, and there is no such`)
    for (const key of done) this.#report(`${key} is in the store, and is no job`)
  }

  #checkCount(name: string, messages: number, counted: Counted | undefined): void {
    const { count, offset } = counted ?? { count: 0, offset: -1 }
    if (count === messages && offset === messages - 1) return
    this.#report(`${name}: ${count} are counted, up to ${offset}, of ${messages}`)
  }
}
