/**
 * Where a message goes: from the exchange it is published to, by the bindings that it matches, on through
 * other exchanges, to topics. A message comes to each topic and to each exchange once, however many ways
 * lead there (X2), which also ends cycles. One that matches nothing at an exchange goes on to that one's
 * alternate, where there is one.
 */
import { TabmqError } from '../../protocol/errors.js'
import type { TopicId } from '../../protocol/names.js'
import type { Exchange } from './exchange.js'
import type { Exchanges } from './exchanges.js'
import type { RoutedMessage } from './match-bindings.js'

/**
 * In the order in which they are found.
 * @throws TabmqError POLICY_VIOLATION when it comes to too many exchanges
 */
export function route(
  exchanges: Exchanges,
  from: Exchange,
  message: RoutedMessage,
  { routingHopsMax }: { readonly routingHopsMax: number },
): ReadonlySet<TopicId> {
  const topics = new Set<TopicId>()
  const visited = new Set([from])
  // A Set gives what is added while it is gone through, too.
  for (const exchange of visited) {
    if (visited.size > routingHopsMax) throw tooFar(from, routingHopsMax)
    const matching = exchange.matching(message)
    for (const { to } of matching) {
      if (to.type === 'topic') topics.add(to.topicId)
      else visited.add(exchanges.byIdOrThrow(to.exchangeId))
    }
    if (matching.length > 0 || exchange.alternateExchange === null) continue
    const alternate = exchanges.find(exchange.alternateExchange)
    if (alternate !== undefined) visited.add(alternate)
  }
  return topics
}

function tooFar({ exchange }: Exchange, routingHopsMax: number): TabmqError {
  return new TabmqError(
    'POLICY_VIOLATION',
    `from exchange "${exchange}" the message goes on to more than ${routingHopsMax} exchanges`,
    { exchange, routingHopsMax },
  )
}
