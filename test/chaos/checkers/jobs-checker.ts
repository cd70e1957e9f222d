/**
 * What a share group promises of jobs: each is done at least once and accepted at most once; in the dead
 * letter topic is each poison one, once, and no other. Looked at by offset, at the end, when all is done.
 */
import { isDeadLetter, nameOf, type DurableLog } from '../../sim/durable-log.js'
import type { Place, Report } from '../../sim/history.js'
import { isPoison, JOBS_TOPIC, JOBS_TOPIC_OF_DEAD } from '../plan.js'
import type { RecordedEvent } from '../record.js'

interface Job {
  done: number
  accepted: number
  rejected: number
}

export class JobsChecker {
  readonly #report: Report
  readonly #log: DurableLog
  readonly #jobs = new Map<string, Job>()

  /** With the log as it is at the end. */
  constructor(report: Report, log: DurableLog) {
    this.#report = report
    this.#log = log
  }

  on(event: RecordedEvent): void {
    switch (event.type) {
      case 'jobDone':
        this.#of(event.place, event.offset).done += 1
        return
      case 'jobAccepted':
        this.#of(event.place, event.offset).accepted += 1
        return
      case 'jobRejected':
        this.#of(event.place, event.offset).rejected += 1
        return
      case 'rest':
        return this.#atRest()
      default:
    }
  }

  #atRest(): void {
    const dead = this.#deadLetters()
    for (const { place, records } of this.#log.all()) {
      if (place.topic !== JOBS_TOPIC) continue
      for (const [offset, record] of records.entries()) {
        if (record === undefined) continue
        const { id } = record.value as { id: number }
        const key = keyOf(place, offset)
        this.#check(`job ${id} at ${key}`, {
          job: this.#of(place, offset),
          letters: dead.get(key) ?? 0,
          isPoisoned: isPoison(id),
        })
        dead.delete(key)
      }
    }
    for (const key of dead.keys()) this.#report(`there is a dead letter of ${key}, which is no job`)
  }

  #check(
    name: string,
    { job, letters, isPoisoned }: { job: Job; letters: number; isPoisoned: boolean },
  ): void {
    const { done, accepted, rejected } = job
    if (!isPoisoned && done === 0) this.#report(`${name} was never done`)
    if (accepted > 1) this.#report(`${name} was accepted ${accepted} times`)
    if (rejected > 1) this.#report(`${name} was rejected ${rejected} times`)
    const expected = isPoisoned ? 1 : 0
    if (letters !== expected) this.#report(`${name} has ${letters} dead letters, not ${expected}`)
  }

  /** How many there are, by where they died. */
  #deadLetters(): Map<string, number> {
    const dead = new Map<string, number>()
    for (const { place, records } of this.#log.all()) {
      if (place.topic !== JOBS_TOPIC_OF_DEAD) continue
      for (const record of records) {
        if (record === undefined || !isDeadLetter(record)) continue
        const { headers } = record
        const topic = String(headers['dead-letter-topic'])
        const died = { topic, partition: Number(headers['dead-letter-partition']) }
        const key = keyOf(died, Number(headers['dead-letter-offset']))
        dead.set(key, (dead.get(key) ?? 0) + 1)
      }
    }
    return dead
  }

  #of(place: Place, offset: number): Job {
    const key = keyOf(place, offset)
    const job = this.#jobs.get(key) ?? { done: 0, accepted: 0, rejected: 0 }
    this.#jobs.set(key, job)
    return job
  }
}

function keyOf(place: Place, offset: number): string {
  return `${nameOf(place)}@${offset}`
}
