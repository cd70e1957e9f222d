/**
 * What looks like two owners of a partition, until it is known whether it was. A member that was
 * fenced, or has left for the sake of a handler that is stuck, may be heard of a moment later than
 * whoever got its partition: it is excused if it then says that it was lost, as it must. What nobody
 * excuses in time is reported.
 */
import type { Report } from '../history.js'

export interface Suspicion {
  readonly place: string
  /** The two consumers that may both have had it. */
  readonly consumers: readonly [newer: string, older: string]
  readonly untilMs: number
  readonly what: string
}

export class Suspicions {
  readonly #report: Report
  #open: Suspicion[] = []

  constructor(report: Report) {
    this.#report = report
  }

  add(suspicion: Suspicion): void {
    this.#open.push(suspicion)
  }

  /** This consumer did not have these, or cannot say any more whether it had. */
  excuse(consumer: string, isMeant: (place: string) => boolean): void {
    this.#open = this.#open.filter(
      ({ consumers, place }) => !consumers.includes(consumer) || !isMeant(place),
    )
  }

  /** The broker is gone, and with it whoever knew who owned what. */
  clear(): void {
    this.#open = []
  }

  /** Reports those whose time is over. */
  confirm(nowMs: number): void {
    const confirmed = this.#open.filter(({ untilMs }) => untilMs <= nowMs)
    if (confirmed.length === 0) return
    this.#open = this.#open.filter(({ untilMs }) => untilMs > nowMs)
    for (const { what } of confirmed) this.#report(what)
  }
}
