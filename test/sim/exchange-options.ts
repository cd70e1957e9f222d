/** Which exchanges there are in a run, and what leads from them; none in most. */
import type { Prng } from '../../src/std/prng.js'
import { between } from './streams.js'

export interface ExchangeOptions {
  readonly exchange: string
  readonly type: 'direct' | 'topic' | 'fanout'
  readonly bindings: readonly ExchangeBinding[]
}

export interface ExchangeBinding {
  readonly topic?: string
  readonly toExchange?: string
  readonly routingKey: string
}

/** What is published goes by one of these. */
export const ROUTING_KEYS = ['eu.new', 'eu.paid', 'us.new'] as const

const KEYS_OF = {
  direct: ROUTING_KEYS,
  topic: ['eu.*', '*.new', '#', 'us.#', 'eu.new'],
  fanout: [''],
} as const

export function drawExchanges(prng: Prng, topics: readonly string[]): ExchangeOptions[] {
  if (!prng.chance(0.25)) return []
  const count = between(prng, 1, 2)
  return Array.from({ length: count }, (_, index) => {
    const type = prng.pick(['direct', 'topic', 'topic', 'fanout'] as const)
    const routingKey = () => prng.pick<string>(KEYS_OF[type])
    const bindings: ExchangeBinding[] = Array.from({ length: between(prng, 1, 4) }, () => ({
      topic: prng.pick(topics),
      routingKey: routingKey(),
    }))
    // Round in a circle, where there are two.
    const toExchange = `exchange-${(index + 1) % count}`
    if (prng.chance(0.5)) bindings.push({ toExchange, routingKey: routingKey() })
    return { exchange: `exchange-${index}`, type, bindings }
  })
}
