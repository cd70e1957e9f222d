/** What befalls the worker: it is killed, or does nothing for a while and then goes on. */
import type { SimWorker } from '../sim-browser.js'
import { between } from '../streams.js'
import type { FaultParts, FaultSource } from './fault-source.js'

export class BrokerFaults implements FaultSource {
  readonly acts: FaultSource['acts']
  readonly #parts: FaultParts

  constructor(parts: FaultParts) {
    this.#parts = parts
    this.acts = {
      killBroker: () => this.#kill(),
      freezeBroker: () => this.#freeze(),
    }
  }

  heal(): void {
    const { worker } = this.#parts.world.browser
    if (worker !== undefined) this.#wake(worker)
  }

  #kill(): boolean {
    const { browser } = this.#parts.world
    if (browser.worker === undefined) return false
    browser.killWorker('struck')
    return true
  }

  #freeze(): boolean {
    const { world, chaos, prng } = this.#parts
    const { worker } = world.browser
    if (worker?.process.isRunning !== true) return false
    world.note(`${worker.process.name} freezes`)
    worker.process.freeze()
    const forMs = between(prng, 1, prng.pick([300, 3_000, 12_000]))
    chaos.schedule(forMs, 'wakes the broker', () => this.#wake(worker))
    return true
  }

  #wake({ process }: SimWorker): void {
    if (!process.isFrozen) return
    this.#parts.world.note(`${process.name} wakes`)
    process.resume()
  }
}
