/**
 * What goes wrong, drawn from the seed: at random moments one of the faults that this seed has. When
 * healing begins it stops, wakes whoever sleeps, and sees to it that every group has a consumer.
 */
import type { Prng } from '../../src/std/prng.js'
import { AdminFaults } from './faults/admin-faults.js'
import { BrokerFaults } from './faults/broker-faults.js'
import { DiskFaults } from './faults/disk-faults.js'
import type { FaultSource } from './faults/fault-source.js'
import { MachineFaults } from './faults/machine-faults.js'
import { TabFaults } from './faults/tab-faults.js'
import type { CountedFaultName, FaultName } from './options.js'
import type { Process } from './scheduler.js'
import { between } from './streams.js'
import type { World } from './world.js'

export class FaultInjector {
  readonly counts: Partial<Record<CountedFaultName, number>> = {}
  readonly disk: DiskFaults
  readonly #world: World
  readonly #chaos: Process
  readonly #prng: Prng
  readonly #sources: readonly FaultSource[]

  constructor(world: World) {
    this.#world = world
    this.#chaos = world.scheduler.process('chaos')
    this.#prng = world.streams.of('faults')
    const parts = { world, chaos: this.#chaos, prng: this.#prng }
    this.disk = new DiskFaults(parts)
    this.#sources = [
      new TabFaults(parts),
      new BrokerFaults(parts),
      this.disk,
      new MachineFaults(parts),
      new AdminFaults(parts),
    ]
  }

  start(): void {
    this.#next()
  }

  count(name: CountedFaultName): void {
    this.counts[name] = (this.counts[name] ?? 0) + 1
  }

  stop(): void {
    for (const source of this.#sources) source.heal()
    const world = this.#world
    const { tabs, options } = world
    const served = new Set<string>()
    for (const tab of tabs.filter((one) => one.isAlive && !one.isClosing && one.slot >= 0)) {
      for (const groupId of world.groupsOf(tab.slot)) served.add(groupId)
    }
    for (const slot of options.slots.keys()) {
      const groupIds = world.groupsOf(slot)
      if (groupIds.every((groupId) => served.has(groupId)) || world.isTaken(slot)) continue
      world.openTab(slot)
      for (const groupId of groupIds) served.add(groupId)
    }
    for (const tab of tabs.filter((one) => one.isAlive && !one.isClosing)) {
      for (const consumer of [...tab.consumers, ...tab.shareConsumers]) {
        tab.process.schedule(0, 'behaves', () => consumer.behave())
      }
    }
  }

  #next(): void {
    const { everyMs } = this.#world.options.faults
    this.#chaos.schedule(between(this.#prng, 1, 2 * everyMs), 'strikes', () => {
      if (!this.#world.hasTraffic) return
      this.#strike()
      this.#next()
    })
  }

  #strike(): void {
    const weights = Object.entries(this.#world.options.faults.weights) as [FaultName, number][]
    const total = weights.reduce((sum, [, weight]) => sum + weight, 0)
    let draw = this.#prng.float() * total
    for (const [name, weight] of weights) {
      draw -= weight
      if (draw >= 0) continue
      if (this.#sources.some(({ acts }) => acts[name]?.() === true)) this.count(name)
      return
    }
  }
}
