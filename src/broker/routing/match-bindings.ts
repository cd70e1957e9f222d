/**
 * Which bindings of one exchange a message goes by (X1). What can be looked up is looked up; topic and
 * headers exchanges hold the message against each of theirs.
 */
import { unreachable } from '../../std/assert.js'
import type { ExchangeType } from '../../protocol/requests/exchanges.js'
import type { BindingDestination, BindingRow } from '../rows.js'
import { chosenBy, hashOf } from './consistent-hash.js'
import { RoutingPattern, wordsOf } from './topic-pattern.js'

/** What of a message it is routed by. Worked out once for all exchanges that it comes to. */
export class RoutedMessage {
  readonly routingKey: string
  readonly headers: ReadonlyMap<string, readonly string[]>
  #words: readonly string[] | undefined
  #keyHash: number | undefined

  constructor(routingKey: string, headers: Readonly<Record<string, readonly string[]>>) {
    this.routingKey = routingKey
    this.headers = new Map(Object.entries(headers))
  }

  get words(): readonly string[] {
    this.#words ??= wordsOf(this.routingKey)
    return this.#words
  }

  get keyHash(): number {
    this.#keyHash ??= hashOf(this.routingKey)
    return this.#keyHash
  }
}

/** The bindings of one exchange as they are now, made ready to be matched. */
export type Matcher = (message: RoutedMessage) => readonly BindingRow[]

export function matcherOf(type: ExchangeType, bindings: readonly BindingRow[]): Matcher {
  switch (type) {
    case 'direct':
      return directMatcher(bindings)
    case 'fanout':
      return () => bindings
    case 'topic':
      return topicMatcher(bindings)
    case 'headers':
      return headersMatcher(bindings)
    case 'consistent-hash':
      return hashMatcher(bindings)
    default:
      return unreachable(type)
  }
}

/** What stays the same of a destination for as long as it exists. */
export function destinationId(to: BindingDestination): string {
  return to.type === 'topic' ? `topic ${to.topicId}` : `exchange ${to.exchangeId}`
}

const NONE: readonly BindingRow[] = []

function directMatcher(bindings: readonly BindingRow[]): Matcher {
  const byKey = new Map<string, BindingRow[]>()
  for (const binding of bindings) {
    const same = byKey.get(binding.routingKey)
    if (same === undefined) byKey.set(binding.routingKey, [binding])
    else same.push(binding)
  }
  return ({ routingKey }) => byKey.get(routingKey) ?? NONE
}

function topicMatcher(bindings: readonly BindingRow[]): Matcher {
  const patterns = bindings.map((binding) => ({
    binding,
    pattern: new RoutingPattern(binding.routingKey),
  }))
  return ({ words }) =>
    patterns.flatMap(({ binding, pattern }) => (pattern.matches(words) ? [binding] : []))
}

/** As with RabbitMQ, a binding that names no header matches every message with `all`, none with `any`. */
function headersMatcher(bindings: readonly BindingRow[]): Matcher {
  const wanted = bindings.map((binding) => ({
    binding,
    headers: Object.entries(binding.headers),
  }))
  return ({ headers: has }) => {
    const isThere = ([name, value]: [string, string]) => has.get(name)?.includes(value) === true
    return wanted.flatMap(({ binding, headers }) => {
      const matches = binding.match === 'all' ? headers.every(isThere) : headers.some(isThere)
      return matches ? [binding] : []
    })
  }
}

function hashMatcher(bindings: readonly BindingRow[]): Matcher {
  const weighted = bindings.map((binding) => ({
    binding,
    weight: binding.weight,
    seed: hashOf(`${destinationId(binding.to)} ${binding.routingKey}`),
  }))
  return ({ keyHash }) => {
    const chosen = chosenBy(keyHash, weighted)
    return chosen === undefined ? NONE : [chosen.binding]
  }
}
