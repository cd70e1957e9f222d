/** A binding as a user gives it: checked, and as it is sent. */
import {
  BINDING_HEADERS_MAX,
  BINDING_WEIGHT_MAX,
  ROUTING_HEADER_LENGTH_MAX,
  ROUTING_KEY_LENGTH_MAX,
} from '../../protocol/limits.js'
import { parseExchangeName, parseTopicName, type ExchangeName } from '../../protocol/names.js'
import type { Binding, BindingTarget } from '../../protocol/requests/exchanges.js'
import {
  checkInteger,
  checkNoOthers,
  checkObject,
  checkOneOf,
  invalidOption,
} from '../check-options.js'
import type { BindingToMake } from './admin.js'

const NAMES = ['exchange', 'topic', 'toExchange', 'routingKey', 'headers', 'match', 'weight']

/** @throws TabmqError INVALID_CONFIG, INVALID_REQUEST, INVALID_TOPIC_EXCEPTION */
export function toBinding(
  what: string,
  options: BindingToMake,
): { exchange: ExchangeName; binding: Binding } {
  checkObject(what, options)
  checkNoOthers(what, options, NAMES)
  const { routingKey = '', headers = {}, match = 'all', weight = 1 } = options
  if (typeof routingKey !== 'string' || routingKey.length > ROUTING_KEY_LENGTH_MAX) {
    const expected = `a string of at most ${ROUTING_KEY_LENGTH_MAX} characters`
    throw invalidOption('routingKey', routingKey, expected)
  }
  checkHeaders(headers)
  checkOneOf('match', match, ['all', 'any'])
  checkInteger('weight', weight, { min: 1, max: BINDING_WEIGHT_MAX })
  return {
    exchange: parseExchangeName(options.exchange),
    binding: { ...targetOf(options), routingKey, headers: { ...headers }, match, weight },
  }
}

function targetOf({ topic, toExchange }: BindingToMake): BindingTarget {
  if (toExchange === undefined) return { topic: parseTopicName(topic) }
  if (topic === undefined) return { toExchange: parseExchangeName(toExchange) }
  throw invalidOption('toExchange', toExchange, 'left out, since the binding leads to a topic')
}

function checkHeaders(headers: unknown): void {
  checkObject('headers', headers)
  const entries = Object.entries(headers)
  const isShort = (text: unknown) =>
    typeof text === 'string' && text.length <= ROUTING_HEADER_LENGTH_MAX
  for (const [name, value] of entries) {
    if (isShort(name) && isShort(value)) continue
    const expected = `a string of at most ${ROUTING_HEADER_LENGTH_MAX} characters`
    throw invalidOption(`headers.${name.slice(0, 100)}`, value, expected)
  }
  if (entries.length <= BINDING_HEADERS_MAX) return
  throw invalidOption('headers', headers, `an object of at most ${BINDING_HEADERS_MAX} headers`)
}
