/**
 * One exchange: its bindings, what became of the last publications of each producer, and, soft, how often
 * it was used. Only `Exchanges` changes it, in replay.
 */
import type { ExchangeId, ExchangeName, ProducerId } from '../../protocol/names.js'
import type { ExchangeCounters, ExchangeType } from '../../protocol/requests/exchanges.js'
import type { BindingRow, ExchangeRow, PublisherRow } from '../rows.js'
import { matcherOf, type Matcher, type RoutedMessage } from './match-bindings.js'

export class Exchange {
  readonly exchangeId: ExchangeId
  readonly exchange: ExchangeName
  readonly type: ExchangeType
  readonly alternateExchange: ExchangeName | null
  readonly #bindings = new Map<number, BindingRow>()
  readonly #publishers = new Map<ProducerId, PublisherRow>()
  /** Of publishers that changed since: what the disk holds of them, null for nothing. */
  readonly #durablePublishers = new Map<ProducerId, PublisherRow | null>()
  #matcher: Matcher | undefined
  #spread = 0
  #counters: ExchangeCounters = { published: 0, routed: 0, unroutable: 0, dropped: 0 }

  constructor(exchangeId: ExchangeId, row: ExchangeRow) {
    this.exchangeId = exchangeId
    this.exchange = row.exchange
    this.type = row.type
    this.alternateExchange = row.alternateExchange
  }

  get bindings(): ReadonlyMap<number, BindingRow> {
    return this.#bindings
  }

  get publishers(): ReadonlyMap<ProducerId, PublisherRow> {
    return this.#publishers
  }

  /** How many batches without a key it has dealt out: the next goes one partition further. */
  get spread(): number {
    return this.#spread
  }

  get counters(): ExchangeCounters {
    return this.#counters
  }

  matching(message: RoutedMessage): readonly BindingRow[] {
    this.#matcher ??= matcherOf(this.type, [...this.#bindings.values()])
    return this.#matcher(message)
  }

  replayBinding(bindingId: number, row: BindingRow | null): void {
    if (row === null) this.#bindings.delete(bindingId)
    else this.#bindings.set(bindingId, row)
    this.#matcher = undefined
  }

  replayPublisher(producerId: ProducerId, row: PublisherRow | null): void {
    if (!this.#durablePublishers.has(producerId)) {
      this.#durablePublishers.set(producerId, this.#publishers.get(producerId) ?? null)
    }
    this.#put(producerId, row)
  }

  replaySpread(batches: number): void {
    this.#spread += batches
  }

  replayCounted(counts: ExchangeCounters): void {
    const before = this.#counters
    this.#counters = {
      published: before.published + counts.published,
      routed: before.routed + counts.routed,
      unroutable: before.unroutable + counts.unroutable,
      dropped: before.dropped + counts.dropped,
    }
  }

  /** The disk holds this of the publisher now, perhaps not its latest. */
  publisherIsDurable(producerId: ProducerId, row: PublisherRow | null): void {
    const isLatest = (this.#publishers.get(producerId) ?? null) === row
    if (isLatest) this.#durablePublishers.delete(producerId)
    else this.#durablePublishers.set(producerId, row)
  }

  /** What was replayed so far came from the disk. */
  allIsDurable(): void {
    this.#durablePublishers.clear()
  }

  /** Back to what is durable: what was stored since will not be. */
  rollBack(): void {
    for (const [producerId, row] of this.#durablePublishers) this.#put(producerId, row)
    this.#durablePublishers.clear()
  }

  #put(producerId: ProducerId, row: PublisherRow | null): void {
    if (row === null) this.#publishers.delete(producerId)
    else this.#publishers.set(producerId, row)
  }
}
