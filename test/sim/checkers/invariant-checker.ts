/**
 * The broker's own invariants, after every event, and the high watermark against what is really on
 * the disk.
 */
import { nameOf } from '../durable-log.js'
import type { Broker } from '../../../src/broker/runtime/broker.js'
import type { Checker, CheckerParts, SimEvent } from '../history.js'

export class InvariantChecker implements Checker {
  readonly name = 'invariants'
  readonly #parts: CheckerParts

  constructor(parts: CheckerParts) {
    this.#parts = parts
  }

  on(event: SimEvent): void {
    if (event.type === 'audit') this.#audit(event.broker)
  }

  #audit(broker: Broker): void {
    const { report } = this.#parts
    try {
      broker.checkInvariants()
    } catch (error) {
      report(String(error))
    }
    for (const { partitionId, highWatermark } of broker.state.logs.all()) {
      const durable = this.#parts.log.byId(partitionId)
      if (durable === undefined || highWatermark <= durable.ids.length) continue
      const place = nameOf(durable.place)
      report(`${place}: high watermark ${highWatermark}, durable up to ${durable.ids.length}`)
    }
  }
}
