/**
 * One direction of a MessagePort: values arrive as structured clones, in the order in which they
 * were posted, after a while. What was posted before the sender died may arrive or not, but never
 * something later without what came before it.
 */
import type { Prng } from '../../src/std/prng.js'
import type { Process } from './scheduler.js'
import { skewed } from './streams.js'

export interface LaneOptions {
  readonly to: Process
  readonly prng: Prng
  readonly delayMsMax: () => number
}

export class Lane {
  readonly #options: LaneOptions
  #lastArrivalMs = 0
  /** In the order in which they arrive, whatever a machine that sleeps does to the times. */
  readonly #onItsWay: { readonly deliver: () => void; readonly cancel: () => void }[] = []

  constructor(options: LaneOptions) {
    this.#options = options
  }

  /** Delivers a copy of `message`, made now, to the process at the other end. */
  post<T>(nowMs: number, label: string, message: T, deliver: (copy: T) => void): void {
    const { to, prng, delayMsMax } = this.#options
    const copy = structuredClone(message)
    const arrivalMs = Math.max(nowMs + skewed(prng, delayMsMax()), this.#lastArrivalMs)
    this.#lastArrivalMs = arrivalMs
    const cancel = to.schedule(arrivalMs - nowMs, label, () => this.#onItsWay.shift()?.deliver())
    this.#onItsWay.push({ deliver: () => deliver(copy), cancel })
  }

  /** The sender is gone: of what is on its way, the first so many arrive, drawn by chance. */
  senderDied(): void {
    const arriving = this.#options.prng.below(this.#onItsWay.length + 1)
    for (const { cancel } of this.#onItsWay.splice(arriving)) cancel()
  }
}
