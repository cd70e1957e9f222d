/**
 * One step as it is played: whether it has begun, what it lacks, whether it is done. It begins when all
 * that it needs is there, and what has happened stays so. Soft state; moments and the time are handed to it.
 */
import type { Moment, Need, Seen, Step } from './scenario.js'

/**
 * How long something may be missing before it is said: while a tab is opened or reloaded it is not there
 * for a moment, and nobody need do anything about it.
 */
const PATIENCE_AT_FIRST_MS = 1_000
const PATIENCE_MS = 4_000

export interface StepState {
  readonly hasBegun: boolean
  readonly isDone: boolean
  /** The first of what it lacks. */
  readonly missing: Need | undefined
}

export class StepWatch {
  readonly #step: Step
  #since: Moment | undefined
  #unmet: { readonly need: Need; readonly sinceMs: number } | undefined
  #isDone: boolean

  /** @param isDone whether it was done before, in the same playing of its scenario */
  constructor(step: Step, { isDone = false } = {}) {
    this.#step = step
    this.#isDone = isDone
  }

  /** @param begun when the scenario was opened; undefined while nothing is known yet */
  look(now: Moment, begun: Moment | undefined, atMs: number): StepState {
    if (begun === undefined || this.#isDone) return this.#state(undefined)
    const unmet = this.#firstUnmet({ now, begun })
    if (unmet === undefined) this.#since ??= now
    if (this.#since !== undefined) {
      this.#isDone = this.#step.isDone({ now, begun, since: this.#since })
    }
    if (unmet === undefined || this.#isDone) this.#unmet = undefined
    else if (this.#unmet?.need !== unmet) this.#unmet = { need: unmet, sinceMs: atMs }
    return this.#state(this.#unmet === undefined ? undefined : this.#patientWith(atMs))
  }

  #firstUnmet(seen: Pick<Seen, 'now' | 'begun'>): Need | undefined {
    const hasBegun = this.#since !== undefined
    return this.#step.needs.find((need) => {
      return !(hasBegun && need.isToBegin === true) && !need.isMet(seen)
    })
  }

  #patientWith(atMs: number): Need | undefined {
    if (this.#unmet === undefined) return undefined
    const patienceMs = this.#since === undefined ? PATIENCE_AT_FIRST_MS : PATIENCE_MS
    return atMs - this.#unmet.sinceMs >= patienceMs ? this.#unmet.need : undefined
  }

  #state(missing: Need | undefined): StepState {
    const hasBegun = this.#since !== undefined || this.#isDone
    return { hasBegun, isDone: this.#isDone, missing }
  }
}

/** Whether enough is known of the page to say how things are. */
export function isKnown({ view, verdict, worker, tabs, tab }: Moment): boolean {
  if (view?.topicId === undefined || verdict === undefined) return false
  const own = tabs.find(({ name }) => name.number === tab)
  return own !== undefined && worker.state !== 'joining' && worker.state !== 'stopping'
}
