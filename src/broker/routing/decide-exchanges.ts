/**
 * Decisions about exchanges and their bindings: declare, delete, bind, unbind, and what goes with a
 * topic. Pure: state is read, records are returned.
 */
import { TabmqError } from '../../protocol/errors.js'
import type { BrokerLimits } from '../../protocol/limits.js'
import type { ExchangeId, TopicId } from '../../protocol/names.js'
import type { Empty } from '../../protocol/requests/api.js'
import type { Binding } from '../../protocol/requests/exchanges.js'
import type { RequestOf } from '../../protocol/requests/request.js'
import type { Decision, DecisionContext, DurableExchangeRecord } from '../records.js'
import type { BindingDestination, BindingRow } from '../rows.js'
import type { TopicRegistry } from '../topic/topic-registry.js'
import type { Exchange } from './exchange.js'
import type { Exchanges } from './exchanges.js'
import { destinationId } from './match-bindings.js'
import { RoutingPattern } from './topic-pattern.js'

export interface ExchangesState {
  readonly exchanges: Exchanges
  readonly topics: TopicRegistry
  readonly limits: BrokerLimits
}

type ExchangeDecision = Decision<Empty, DurableExchangeRecord>

/** @throws TabmqError EXCHANGE_ALREADY_EXISTS, POLICY_VIOLATION */
export function decideDeclareExchange(
  { exchanges, limits }: ExchangesState,
  { exchange, type, alternateExchange }: RequestOf<'declareExchange'>,
  context: DecisionContext,
): ExchangeDecision {
  const known = exchanges.find(exchange)
  if (known !== undefined) {
    const isSame = known.type === type && known.alternateExchange === alternateExchange
    if (!isSame) throw anotherExists(known)
    return { records: [], response: {} }
  }
  const { exchangesMax } = limits
  if (exchanges.count >= exchangesMax) {
    const message = `there can be ${exchangesMax} exchanges at most`
    throw new TabmqError('POLICY_VIOLATION', message, { exchangesMax })
  }
  const exchangeId = context.freshId() as ExchangeId
  const value = { exchange, type, alternateExchange }
  return { records: [{ type: 'exchange', exchangeId, value }], response: {} }
}

/**
 * With its bindings and those to it.
 * @throws TabmqError UNKNOWN_EXCHANGE, EXCHANGE_IN_USE
 */
export function decideDeleteExchange(
  { exchanges }: ExchangesState,
  { exchange: name, ifUnused }: RequestOf<'deleteExchange'>,
): ExchangeDecision {
  const exchange = exchanges.findOrThrow(name)
  const { exchangeId, bindings, publishers } = exchange
  if (ifUnused && bindings.size > 0) {
    const message = `exchange "${name}" has ${bindings.size} bindings`
    throw new TabmqError('EXCHANGE_IN_USE', message, { exchange: name, bindings: bindings.size })
  }
  const records: DurableExchangeRecord[] = bindingsTo(exchanges, (to) =>
    to.type === 'exchange' ? to.exchangeId === exchangeId : false,
  ).filter((record) => record.exchangeId !== exchangeId)
  for (const bindingId of bindings.keys()) {
    records.push({ type: 'binding', exchangeId, bindingId, value: null })
  }
  for (const producerId of publishers.keys()) {
    records.push({ type: 'publisher', exchangeId, producerId, value: null })
  }
  records.push({ type: 'exchange', exchangeId, value: null })
  return { records, response: {} }
}

/**
 * @throws TabmqError UNKNOWN_EXCHANGE, UNKNOWN_TOPIC_OR_PARTITION, INVALID_CONFIG for what this type
 *   of exchange does not look at, POLICY_VIOLATION
 */
export function decideBind(
  state: ExchangesState,
  { exchange: name, binding }: Pick<RequestOf<'bind'>, 'exchange' | 'binding'>,
): ExchangeDecision {
  const { exchanges, limits } = state
  const exchange = exchanges.findOrThrow(name)
  checkTerms(exchange, binding)
  const row = rowOf(state, binding)
  const { exchangeId, bindings } = exchange
  const known = findBinding(exchange, row)
  if (known !== undefined) {
    const [bindingId, { weight }] = known
    const isSame = weight === row.weight
    const records = isSame ? [] : [{ type: 'binding' as const, exchangeId, bindingId, value: row }]
    return { records, response: {} }
  }
  checkRoom(exchange, exchanges, limits)
  const bindingId = Math.max(0, ...bindings.keys()) + 1
  return { records: [{ type: 'binding', exchangeId, bindingId, value: row }], response: {} }
}

/** @throws TabmqError UNKNOWN_EXCHANGE, UNKNOWN_TOPIC_OR_PARTITION */
export function decideUnbind(
  state: ExchangesState,
  { exchange: name, binding }: Pick<RequestOf<'unbind'>, 'exchange' | 'binding'>,
): ExchangeDecision {
  const exchange = state.exchanges.findOrThrow(name)
  const known = findBinding(exchange, rowOf(state, binding))
  if (known === undefined) return { records: [], response: {} }
  const [bindingId] = known
  const { exchangeId } = exchange
  return { records: [{ type: 'binding', exchangeId, bindingId, value: null }], response: {} }
}

/** No binding leads to what is not there. */
export function unbindTopics(
  exchanges: Exchanges,
  topicIds: readonly TopicId[],
): DurableExchangeRecord[] {
  const deleted = new Set(topicIds)
  return bindingsTo(exchanges, (to) => to.type === 'topic' && deleted.has(to.topicId))
}

function bindingsTo(
  exchanges: Exchanges,
  isDoomed: (to: BindingDestination) => boolean,
): Extract<DurableExchangeRecord, { type: 'binding' }>[] {
  return [...exchanges.all()].flatMap(({ exchangeId, bindings }) =>
    [...bindings].flatMap(([bindingId, { to }]) =>
      isDoomed(to) ? [{ type: 'binding' as const, exchangeId, bindingId, value: null }] : [],
    ),
  )
}

function findBinding(exchange: Exchange, row: BindingRow): [number, BindingRow] | undefined {
  const wanted = identityOf(row)
  return [...exchange.bindings].find(([, other]) => identityOf(other) === wanted)
}

/** All but the weight. */
function identityOf({ to, routingKey, headers, match }: BindingRow): string {
  const sorted = Object.entries(headers).sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify([destinationId(to), routingKey, sorted, match])
}

function rowOf(
  { exchanges, topics }: ExchangesState,
  { topic, toExchange, ...terms }: Binding,
): BindingRow {
  const to: BindingDestination =
    topic === undefined
      ? { type: 'exchange', exchangeId: exchanges.findOrThrow(toExchange).exchangeId }
      : { type: 'topic', topicId: topics.findOrThrow(topic).topicId }
  return { to, ...terms }
}

/** What would have no effect is a mistake, but for a routing key, which every exchange is given. */
function checkTerms(
  { exchange, type }: Exchange,
  { routingKey, headers, match, weight }: Binding,
): void {
  if (type === 'topic') void new RoutingPattern(routingKey)
  const names = Object.keys(headers)
  const isOfHeaders = names.length > 0 || match !== 'all'
  if (type !== 'headers' && isOfHeaders) throw withoutEffect('headers', { exchange, type })
  if (type !== 'consistent-hash' && weight !== 1) throw withoutEffect('weight', { exchange, type })
}

function withoutEffect(
  option: 'headers' | 'weight',
  { exchange, type }: Pick<Exchange, 'exchange' | 'type'>,
): TabmqError {
  const message = `exchange "${exchange}" is of type ${type}, which knows no ${option} of a binding`
  return new TabmqError('INVALID_CONFIG', message, { exchange, type, option })
}

function checkRoom(exchange: Exchange, exchanges: Exchanges, limits: BrokerLimits): void {
  const { bindingsPerExchangeMax, bindingsMax } = limits
  if (exchange.bindings.size >= bindingsPerExchangeMax) {
    const message = `exchange "${exchange.exchange}" has ${bindingsPerExchangeMax} bindings, the most there can be`
    throw new TabmqError('POLICY_VIOLATION', message, { bindingsPerExchangeMax })
  }
  if (exchanges.bindingCount < bindingsMax) return
  const message = `there can be ${bindingsMax} bindings at most`
  throw new TabmqError('POLICY_VIOLATION', message, { bindingsMax })
}

function anotherExists({ exchange, type, alternateExchange }: Exchange): TabmqError {
  const alternate = alternateExchange === null ? 'none' : `"${alternateExchange}"`
  return new TabmqError(
    'EXCHANGE_ALREADY_EXISTS',
    `exchange "${exchange}" exists already, of type ${type} and with the alternate ${alternate}`,
    { exchange, type, alternateExchange },
  )
}
