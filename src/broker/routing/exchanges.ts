/**
 * All exchanges, by name and by id. Hard state: an `exchange` row each, a `binding` row for each way from
 * one, and a `publisher` row for each producer that published to one. The decisions are in
 * decide-exchanges.ts and decide-publish.ts; this is what they read and what `replay` changes.
 */
import { assert, definedOrThrow, unreachable } from '../../std/assert.js'
import { TabmqError } from '../../protocol/errors.js'
import type { ExchangeId, ExchangeName, ProducerId } from '../../protocol/names.js'
import type { Binding, ExchangeDescription } from '../../protocol/requests/exchanges.js'
import type { ExchangeRecord } from '../records.js'
import type { BindingRow, PublisherRow } from '../rows.js'
import type { TopicRegistry } from '../topic/topic-registry.js'
import { Exchange } from './exchange.js'

export class Exchanges {
  readonly #byId = new Map<ExchangeId, Exchange>()
  readonly #byName = new Map<ExchangeName, Exchange>()

  get count(): number {
    return this.#byId.size
  }

  /** Of all exchanges. */
  get bindingCount(): number {
    let count = 0
    for (const { bindings } of this.#byId.values()) count += bindings.size
    return count
  }

  all(): IterableIterator<Exchange> {
    return this.#byId.values()
  }

  find(exchange: ExchangeName): Exchange | undefined {
    return this.#byName.get(exchange)
  }

  has(exchangeId: ExchangeId): boolean {
    return this.#byId.has(exchangeId)
  }

  byIdOrThrow(exchangeId: ExchangeId): Exchange {
    return definedOrThrow(this.#byId.get(exchangeId), () => `no exchange with id ${exchangeId}`)
  }

  /** @throws TabmqError UNKNOWN_EXCHANGE */
  findOrThrow(exchange: ExchangeName): Exchange {
    const found = this.#byName.get(exchange)
    if (found !== undefined) return found
    const message = `there is no exchange "${exchange}"`
    throw new TabmqError('UNKNOWN_EXCHANGE', message, { exchange })
  }

  describeAll(topics: TopicRegistry): ExchangeDescription[] {
    return [...this.#byId.values()]
      .sort((a, b) => (a.exchange < b.exchange ? -1 : 1))
      .map(({ exchange, type, alternateExchange, bindings, counters }) => ({
        exchange,
        type,
        alternateExchange,
        bindings: [...bindings.values()].map((row) => this.#describe(row, topics)),
        counters,
      }))
  }

  replay(record: ExchangeRecord): void {
    const exchange = this.#byId.get(record.exchangeId)
    switch (record.type) {
      case 'exchange':
        return this.#replayExchange(record)
      case 'binding':
        return this.byIdOrThrow(record.exchangeId).replayBinding(record.bindingId, record.value)
      case 'publisher':
        return this.byIdOrThrow(record.exchangeId).replayPublisher(record.producerId, record.value)
      case 'spread':
        return exchange?.replaySpread(record.batches)
      case 'counted':
        return exchange?.replayCounted(record.counts)
      default:
        return unreachable(record)
    }
  }

  publisherIsDurable(
    exchangeId: ExchangeId,
    producerId: ProducerId,
    row: PublisherRow | null,
  ): void {
    this.#byId.get(exchangeId)?.publisherIsDurable(producerId, row)
  }

  /** What was replayed so far came from the disk. */
  allIsDurable(): void {
    for (const exchange of this.#byId.values()) exchange.allIsDurable()
  }

  /** Back to what is durable: no batch that is not will be written, nor that it was published. */
  rollBack(): void {
    for (const exchange of this.#byId.values()) exchange.rollBack()
  }

  checkInvariants(topics: TopicRegistry): void {
    assert(this.#byId.size === this.#byName.size, () => 'exchanges by id and by name differ')
    for (const exchange of this.#byId.values()) {
      assert(
        this.#byName.get(exchange.exchange) === exchange,
        () => `two exchanges named ${exchange.exchange}`,
      )
      for (const { to } of exchange.bindings.values()) {
        if (to.type === 'topic') topics.byIdOrThrow(to.topicId)
        else this.byIdOrThrow(to.exchangeId)
      }
    }
  }

  #replayExchange({ exchangeId, value }: Extract<ExchangeRecord, { type: 'exchange' }>): void {
    if (value === null) {
      this.#byName.delete(this.byIdOrThrow(exchangeId).exchange)
      this.#byId.delete(exchangeId)
    } else {
      const exchange = new Exchange(exchangeId, value)
      this.#byId.set(exchangeId, exchange)
      this.#byName.set(value.exchange, exchange)
    }
  }

  #describe({ to, ...terms }: BindingRow, topics: TopicRegistry): Binding {
    return to.type === 'topic'
      ? { topic: topics.byIdOrThrow(to.topicId).topic, ...terms }
      : { toExchange: this.byIdOrThrow(to.exchangeId).exchange, ...terms }
  }
}
