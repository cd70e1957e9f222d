/** Exchanges without a runtime: what is decided is replayed on the spot. */
import {
  decideBind,
  decideDeclareExchange,
  decideDeleteExchange,
  decideUnbind,
} from '../../../src/broker/routing/decide-exchanges.js'
import { decidePublish, planPublish } from '../../../src/broker/routing/decide-publish.js'
import type { ExchangeName, ProducerId, TopicName } from '../../../src/protocol/names.js'
import type {
  Binding,
  ExchangeType,
  Publication,
  PublishRequest,
  PublishResult,
} from '../../../src/protocol/requests/exchanges.js'
import { batchOf, type BatchParts } from '../batches.js'
import { StateContext } from '../state-context.js'

export const exchangeName = (name: string) => name as ExchangeName

export interface BindingFields {
  readonly topic?: string
  readonly toExchange?: string
  readonly routingKey?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly match?: 'all' | 'any'
  readonly weight?: number
}

export interface PublicationFields {
  readonly routingKey?: string
  readonly headers?: Readonly<Record<string, readonly string[]>>
  readonly mandatory?: boolean
  /** One batch for each: its key hash, and what is in it. */
  readonly batches?: readonly ({ readonly keyHash?: number | null } & BatchParts)[]
}

export class RoutingContext extends StateContext {
  #nextNumber = 0

  declare(exchange: string, type: ExchangeType, alternate: string | null = null): void {
    const alternateExchange = alternate as ExchangeName | null
    const request = { exchange: exchangeName(exchange), type, alternateExchange }
    this.apply(decideDeclareExchange(this.state, { api: 'declareExchange', ...request }, this))
  }

  remove(exchange: string, { ifUnused = false } = {}): void {
    const request = { exchange: exchangeName(exchange), ifUnused }
    this.apply(decideDeleteExchange(this.state, { api: 'deleteExchange', ...request }))
  }

  bind(exchange: string, fields: BindingFields): void {
    const request = { exchange: exchangeName(exchange), binding: bindingOf(fields) }
    this.apply(decideBind(this.state, request))
  }

  unbind(exchange: string, fields: BindingFields): void {
    const request = { exchange: exchangeName(exchange), binding: bindingOf(fields) }
    this.apply(decideUnbind(this.state, request))
  }

  /** A new request of the producer, with the next numbers unless it says others. */
  publish(
    exchange: string,
    fields: readonly PublicationFields[],
    {
      producerId = 1,
      ...more
    }: { producerId?: number } & Partial<Omit<PublishRequest, 'producerId'>> = {},
  ): readonly PublishResult[] {
    const request: PublishRequest = {
      exchange: exchangeName(exchange),
      firstNumber: this.#nextNumber,
      acks: 1,
      publications: fields.map(publicationOf),
      ...more,
      producerId: producerId as ProducerId,
    }
    const plan = planPublish(this.state, request)
    this.#nextNumber = request.firstNumber + fields.length
    if (plan.outcome === 'repeat') return plan.results
    return this.apply(decidePublish(this.state, request, plan, this)).results
  }

  /** Where one message goes, as `topic/partition`, or the code of its error. */
  route(exchange: string, fields: PublicationFields = {}): string[] {
    const [result] = this.publish(exchange, [fields])
    if (result?.placements === undefined) return [String(result?.error.code)]
    return result.placements.map(({ topic }) => topic)
  }

  get exchanges() {
    return this.state.exchanges.describeAll(this.state.topics)
  }

  /** Of a topic's partitions, the log end offsets. */
  ends(topic: string): number[] {
    return this.partitionIds(topic).map((partitionId) => this.log(partitionId).logEndOffset)
  }
}

export function bindingOf({ topic, toExchange, ...terms }: BindingFields): Binding {
  const rest = { routingKey: '', headers: {}, match: 'all', weight: 1, ...terms } as const
  return topic === undefined
    ? { toExchange: exchangeName(toExchange ?? ''), ...rest }
    : { topic: topic as TopicName, ...rest }
}

export function publicationOf({ batches = [{}], ...fields }: PublicationFields): Publication {
  return {
    routingKey: '',
    headers: {},
    mandatory: false,
    ...fields,
    batches: batches.map(({ keyHash = null, ...parts }) => ({ keyHash, batch: batchOf(parts) })),
  }
}
