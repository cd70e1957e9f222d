/**
 * What is published is in all the queues that its exchange leads to, in one transaction, once each, and in
 * no other; what is refused is in none. Which queues these are is worked out here from the bindings as
 * transactions have them, one record after the other: a batch comes after the bindings that led to it.
 */
import { BROKER_LIMITS } from '../../../src/protocol/limits.js'
import type { ExchangeId, PartitionId, TopicId } from '../../../src/protocol/names.js'
import type { DurableRecord } from '../../../src/broker/records.js'
import type { BindingRow, ExchangeRow } from '../../../src/broker/rows.js'
import { isDeadLetter } from '../durable-log.js'
import type {
  Checker,
  CheckerParts,
  MessageId,
  Publish,
  PublishedAt,
  SimEvent,
} from '../history.js'

/** What one transaction has of one message. */
interface Stored {
  readonly publish: Publish
  readonly expected: ReadonlySet<TopicId>
  readonly actual: TopicId[]
}

export class RoutingChecker implements Checker {
  readonly name = 'routing'
  readonly #parts: CheckerParts
  readonly #publishes = new Map<MessageId, Publish>()
  readonly #stored = new Set<MessageId>()
  readonly #refused = new Set<MessageId>()
  readonly #routes = new Routes()
  /** The clock was once a day ahead, and brokers may have forgotten producers. */
  #mayForget = false

  constructor(parts: CheckerParts) {
    this.#parts = parts
  }

  on(event: SimEvent): void {
    if (event.type === 'publishing') {
      for (const id of event.publish.ids) this.#publishes.set(id, event.publish)
    } else if (event.type === 'published') {
      if (event.publish.acks !== 0) this.#checkAnswer(event.publish, event.results)
    } else if (event.type === 'unpublished') {
      for (const id of event.publish.ids) this.#refuse(id)
    } else if (event.type === 'durable') {
      this.#durable(event)
    } else if (event.type === 'powerCut') {
      this.#restore()
    } else if (event.type === 'clockJumped') {
      if (event.byMs >= BROKER_LIMITS.producerExpirationMs) this.#mayForget = true
    }
  }

  #durable({ records, appended }: Extract<SimEvent, { type: 'durable' }>): void {
    const found = new Map<MessageId, Stored>()
    for (const record of records) {
      if (record.type !== 'batch') {
        this.#routes.apply(record)
        continue
      }
      const { partitionId, baseOffset } = record
      const here = appended.find(
        ({ partition, from }) => partition.partitionId === partitionId && from === baseOffset,
      )
      // A dead letter is nobody's publishing.
      const ids = here?.partition.ids.filter((_, offset) => {
        const record = here.partition.records[offset]
        const isHere = offset >= here.from && offset < here.to
        return isHere && record !== undefined && !isDeadLetter(record)
      })
      for (const id of ids ?? []) this.#found(id, this.#routes.topicOf(partitionId), found)
    }
    for (const [id, stored] of found) this.#check(id, stored, found)
  }

  #found(id: MessageId, topicId: TopicId | undefined, found: Map<MessageId, Stored>): void {
    const publish = this.#publishes.get(id)
    if (publish === undefined || topicId === undefined) return
    const stored = found.get(id) ?? { publish, expected: this.#routes.of(publish), actual: [] }
    stored.actual.push(topicId)
    found.set(id, stored)
  }

  #check(
    id: MessageId,
    { publish, expected, actual }: Stored,
    found: ReadonlyMap<MessageId, Stored>,
  ): void {
    const what = `message ${id} of ${publish.producer} to ${publish.exchange}`
    const isRight = actual.length === expected.size && actual.every((one) => expected.has(one))
    if (!isRight) {
      this.#parts.report(`${what} is in ${names(actual)}, and is to be in ${names(expected)}`)
    }
    if (this.#stored.has(id) && !this.#mayForget) this.#parts.report(`${what} was stored again`)
    if (this.#refused.has(id)) this.#parts.report(`${what} was refused, and stored`)
    for (const other of publish.ids) {
      if (!found.has(other)) this.#parts.report(`${what} was stored without ${other}`)
    }
    this.#stored.add(id)
  }

  #refuse(id: MessageId): void {
    this.#refused.add(id)
    if (this.#stored.has(id)) this.#parts.report(`message ${id} was stored, and then refused`)
  }

  #checkAnswer({ ids, producer, exchange }: Publish, results: readonly PublishedAt[]): void {
    const { log } = this.#parts
    const told = [...new Set(results.map(({ topic }) => topic))].sort()
    const places = ids.map((id) => log.find(id))
    for (const [index, found] of places.entries()) {
      const topics = [...new Set(found.map(({ partition }) => partition.place.topic))].sort()
      if (topics.join() === told.join()) continue
      const what = `message ${ids[index]} of ${producer} to ${exchange}`
      this.#parts.report(
        `${what} is in [${topics.join()}], and its sender was told [${told.join()}]`,
      )
    }
    for (const { topic, partition, baseOffset } of results) {
      const isThere = places.flat().some((one) => {
        const { place } = one.partition
        return place.topic === topic && place.partition === partition && one.offset === baseOffset
      })
      const where = `${topic}/${partition}@${baseOffset}`
      if (!isThere) this.#parts.report(`${producer} was told of ${where}, where nothing of it is`)
    }
  }

  /** After a power cut. Whoever published is gone. */
  #restore(): void {
    this.#routes.clear()
    for (const { records } of this.#parts.journal) {
      for (const record of records) this.#routes.apply(record)
    }
    for (const id of this.#stored) {
      if (this.#parts.log.find(id).length === 0) this.#stored.delete(id)
    }
  }
}

/** Exchanges and bindings as the transactions so far have them, followed one by one. */
class Routes {
  readonly #exchanges = new Map<ExchangeId, ExchangeRow>()
  readonly #bindings = new Map<ExchangeId, Map<number, BindingRow>>()
  readonly #topicOf = new Map<PartitionId, TopicId>()

  clear(): void {
    this.#exchanges.clear()
    this.#bindings.clear()
    this.#topicOf.clear()
  }

  apply(record: DurableRecord): void {
    if (record.type === 'exchange') {
      if (record.value === null) this.#exchanges.delete(record.exchangeId)
      else this.#exchanges.set(record.exchangeId, record.value)
    } else if (record.type === 'binding') {
      const bindings = this.#bindings.get(record.exchangeId) ?? new Map<number, BindingRow>()
      this.#bindings.set(record.exchangeId, bindings)
      if (record.value === null) bindings.delete(record.bindingId)
      else bindings.set(record.bindingId, record.value)
    } else if (record.type === 'partition' && record.value !== null) {
      this.#topicOf.set(record.partitionId, record.value.topicId)
    }
  }

  topicOf(partitionId: PartitionId): TopicId | undefined {
    return this.#topicOf.get(partitionId)
  }

  of({ exchange, routingKey }: Publish): ReadonlySet<TopicId> {
    const topics = new Set<TopicId>()
    const seen = new Set<ExchangeId>()
    const follow = (exchangeId: ExchangeId): void => {
      if (seen.has(exchangeId)) return
      seen.add(exchangeId)
      const type = this.#exchanges.get(exchangeId)?.type
      for (const { to, routingKey: pattern } of this.#bindings.get(exchangeId)?.values() ?? []) {
        if (type !== 'fanout' && !isMatch(pattern, routingKey, type === 'topic')) continue
        if (to.type === 'topic') topics.add(to.topicId)
        else follow(to.exchangeId)
      }
    }
    for (const [exchangeId, row] of this.#exchanges) {
      if (row.exchange === exchange) follow(exchangeId)
    }
    return topics
  }
}

function isMatch(pattern: string, key: string, isPattern: boolean): boolean {
  if (!isPattern) return pattern === key
  const match = (words: readonly string[], rest: readonly string[]): boolean => {
    const [word, ...others] = words
    if (word === undefined) return rest.length === 0
    if (word === '#')
      return rest.some((_, at) => match(others, rest.slice(at))) || match(others, [])
    return rest.length > 0 && (word === '*' || word === rest[0]) && match(others, rest.slice(1))
  }
  return match(pattern.split('.'), key.split('.'))
}

function names(topicIds: Iterable<TopicId>): string {
  return `[${[...topicIds].join(', ')}]`
}
