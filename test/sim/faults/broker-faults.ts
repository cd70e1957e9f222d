/**
 * What befalls the workers: one is killed, or does nothing for a while and then goes on, or a new
 * deployment brings another one.
 */
import type { SimWorker } from '../sim-worker.js'
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
      wedgeBroker: () => this.#wedge(),
      deploy: () => this.#deploy(),
    }
  }

  heal(): void {
    for (const worker of this.#parts.world.browser.workers) this.#wake(worker)
  }

  #kill(): boolean {
    const { browser } = this.#parts.world
    const worker = this.#pick()
    if (worker === undefined) return false
    browser.killWorker(worker, 'struck')
    return true
  }

  #freeze(): boolean {
    const { prng } = this.#parts
    const worker = this.#pick()
    return this.#freezeFor(worker, between(prng, 1, prng.pick([300, 3_000, 12_000])))
  }

  /** The leader hangs when another deployment comes: its lead is taken, and it wakes to find out. */
  #wedge(): boolean {
    const { world, prng } = this.#parts
    if (!this.#freezeFor(world.browser.leader, between(prng, 3_000, 14_000))) return false
    this.#bring({ isNewer: prng.chance(0.5), isElsewhere: true, isSeen: true })
    return true
  }

  #freezeFor(worker: SimWorker | undefined, forMs: number): boolean {
    const { world, chaos } = this.#parts
    if (worker?.process.isRunning !== true) return false
    world.note(`${worker.process.name} freezes`)
    worker.process.freeze()
    chaos.schedule(forMs, 'wakes the broker', () => this.#wake(worker))
    return true
  }

  #wake({ process }: SimWorker): void {
    if (!process.isFrozen) return
    this.#parts.world.note(`${process.name} wakes`)
    process.resume()
  }

  #deploy(): boolean {
    const { prng } = this.#parts
    this.#bring({
      isNewer: prng.chance(0.5),
      isElsewhere: prng.chance(0.75),
      isSeen: prng.chance(0.5),
    })
    return true
  }

  /** Pages that are opened from now on are of it; one that `isSeen` is loaded again at once. */
  #bring(options: { isNewer: boolean; isElsewhere: boolean; isSeen: boolean }): void {
    const { world, chaos, prng } = this.#parts
    const { url, protocolVersion } = world.deployments.deploy(options)
    world.note(`${url} is deployed, of protocol ${protocolVersion}`)
    const awake = world.awakeTabs()
    if (!options.isSeen || awake.length === 0) return
    const tab = prng.pick(awake)
    chaos.schedule(between(prng, 1, 500), 'loads a page again', () => {
      if (tab.process.isRunning && !tab.isClosing) world.reload(tab)
    })
  }

  /** Mostly the one that leads. */
  #pick(): SimWorker | undefined {
    const { world, prng } = this.#parts
    const { leader, workers } = world.browser
    if (leader !== undefined && prng.chance(0.8)) return leader
    return workers.length === 0 ? undefined : prng.pick(workers)
  }
}
