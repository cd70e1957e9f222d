/** Requests about exchanges, as they come over a port. */
import { TabmqError } from '../errors.js'
import { Fields } from '../fields.js'
import {
  BINDING_HEADERS_MAX,
  BINDING_WEIGHT_MAX,
  ROUTED_HEADERS_MAX,
  ROUTING_HEADER_LENGTH_MAX,
  ROUTING_KEY_LENGTH_MAX,
  type BrokerLimits,
} from '../limits.js'
import {
  describe,
  parseExchangeName,
  parseTopicName,
  type ExchangeName,
  type ProducerId,
} from '../names.js'
import type { ParsersOf } from './api.js'
import { EXCHANGE_TYPES, type Binding, type ExchangeApis, type Publication } from './exchanges.js'

/** 48 bits. */
const PRODUCER_ID_MAX = 2 ** 48 - 1
const KEY_HASH_MAX = 0x7fff_ffff

export const EXCHANGE_PARSERS: ParsersOf<ExchangeApis> = {
  declareExchange: (fields) => ({
    api: 'declareExchange',
    exchange: exchangeOf(fields),
    type: fields.oneOf('type', EXCHANGE_TYPES),
    alternateExchange:
      fields.raw('alternateExchange') === null
        ? null
        : parseExchangeName(fields.raw('alternateExchange')),
  }),
  deleteExchange: (fields) => ({
    api: 'deleteExchange',
    exchange: exchangeOf(fields),
    ifUnused: fields.boolean('ifUnused'),
  }),
  listExchanges: () => ({ api: 'listExchanges' }),
  bind: (fields) => ({ api: 'bind', exchange: exchangeOf(fields), binding: parseBinding(fields) }),
  unbind: (fields) => ({
    api: 'unbind',
    exchange: exchangeOf(fields),
    binding: parseBinding(fields),
  }),
  publish: (fields, limits) => ({
    api: 'publish',
    exchange: exchangeOf(fields),
    producerId: fields.integer('producerId', { min: 0, max: PRODUCER_ID_MAX }) as ProducerId,
    firstNumber: fields.integer('firstNumber', {
      min: 0,
      max: Number.MAX_SAFE_INTEGER - limits.publicationsMax,
    }),
    acks: fields.oneOf('acks', [-1, 0, 1] as const),
    publications: fields.list('publications', limits.publicationsMax, (item, what) =>
      parsePublication(item, what, limits),
    ),
    ...(fields.has('isRepeat') ? { isRepeat: fields.boolean('isRepeat') } : {}),
  }),
}

/** @throws TabmqError INVALID_REQUEST, INVALID_TOPIC_EXCEPTION */
function parseBinding(parent: Fields): Binding {
  const fields = parent.object('binding')
  const headers = fields.object('headers')
  const names = headers.names(BINDING_HEADERS_MAX, ROUTING_HEADER_LENGTH_MAX)
  const terms = {
    routingKey: fields.string('routingKey', ROUTING_KEY_LENGTH_MAX),
    headers: Object.fromEntries(
      names.map((name) => [name, headers.string(name, ROUTING_HEADER_LENGTH_MAX)]),
    ),
    match: fields.oneOf('match', ['all', 'any'] as const),
    weight: fields.integer('weight', { min: 1, max: BINDING_WEIGHT_MAX }),
  }
  if (!fields.has('toExchange')) return { topic: parseTopicName(fields.raw('topic')), ...terms }
  if (!fields.has('topic')) {
    return { toExchange: parseExchangeName(fields.raw('toExchange')), ...terms }
  }
  const message = 'a binding leads to a topic or to an exchange, not to both'
  throw new TabmqError('INVALID_REQUEST', message, { field: 'request.binding' })
}

function parsePublication(item: unknown, what: string, limits: BrokerLimits): Publication {
  const fields = new Fields(what, item)
  const headers = fields.object('headers')
  const names = headers.names(ROUTED_HEADERS_MAX, ROUTING_HEADER_LENGTH_MAX)
  return {
    routingKey: fields.string('routingKey', ROUTING_KEY_LENGTH_MAX),
    headers: Object.fromEntries(
      names.map((name) => [name, headers.list(name, ROUTED_HEADERS_MAX, parseHeaderValue)]),
    ),
    mandatory: fields.boolean('mandatory'),
    batches: fields.list('batches', limits.requestPartitionsMax, (each, at) => {
      const batch = new Fields(at, each)
      return {
        keyHash:
          batch.raw('keyHash') === null
            ? null
            : batch.integer('keyHash', { min: 0, max: KEY_HASH_MAX }),
        batch: batch.buffer('batch'),
      }
    }),
  }
}

function parseHeaderValue(item: unknown, what: string): string {
  if (typeof item === 'string' && item.length <= ROUTING_HEADER_LENGTH_MAX) return item
  const expected = `a string of at most ${ROUTING_HEADER_LENGTH_MAX} characters`
  throw new TabmqError('INVALID_REQUEST', `${what} must be ${expected}, not ${describe(item)}`, {
    field: what,
  })
}

function exchangeOf(fields: Fields): ExchangeName {
  return parseExchangeName(fields.raw('exchange'))
}
