import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ExchangeType } from '../../../src/protocol/requests/exchanges.js'
import { RoutingContext } from './routing-context.js'

function begin(type: ExchangeType, topics = ['a', 'b', 'c'], limits = {}): RoutingContext {
  const context = new RoutingContext(limits)
  for (const topic of topics) context.createTopic(topic)
  context.declare('x', type)
  return context
}

describe('an exchange (X1)', () => {
  it('direct: gives a message to whoever is bound by its routing key', () => {
    const context = begin('direct')
    context.bind('x', { topic: 'a', routingKey: 'error' })
    context.bind('x', { topic: 'b', routingKey: 'info' })
    context.bind('x', { topic: 'b', routingKey: 'error' })
    context.bind('x', { topic: 'c', routingKey: '' })
    expect(context.route('x', { routingKey: 'error' })).toEqual(['a', 'b'])
    expect(context.route('x', { routingKey: 'info' })).toEqual(['b'])
    expect(context.route('x')).toEqual(['c'])
    expect(context.route('x', { routingKey: 'err' })).toEqual([])
    expect(context.route('x', { routingKey: '__proto__' })).toEqual([])
  })

  it('fanout: gives it to all, whatever the routing keys', () => {
    const context = begin('fanout')
    context.bind('x', { topic: 'a', routingKey: 'error' })
    context.bind('x', { topic: 'b' })
    expect(context.route('x', { routingKey: 'else' })).toEqual(['a', 'b'])
  })

  it('topic: gives it by patterns of words', () => {
    const context = begin('topic')
    context.bind('x', { topic: 'a', routingKey: '*.orange.*' })
    context.bind('x', { topic: 'b', routingKey: '*.*.rabbit' })
    context.bind('x', { topic: 'b', routingKey: 'lazy.#' })
    expect(context.route('x', { routingKey: 'quick.orange.rabbit' })).toEqual(['a', 'b'])
    expect(context.route('x', { routingKey: 'lazy.pink.rabbit' })).toEqual(['b'])
    expect(context.route('x', { routingKey: 'quick.brown.fox' })).toEqual([])
  })

  it('headers: gives it by all or any of its headers', () => {
    const context = begin('headers', ['a', 'b', 'c', 'd'])
    const headers = { format: 'pdf', type: 'report' }
    context.bind('x', { topic: 'a', headers, match: 'all' })
    context.bind('x', { topic: 'b', headers, match: 'any' })
    expect(context.route('x', { headers: { format: ['pdf'], type: ['report'] } })).toEqual([
      'a',
      'b',
    ])
    expect(context.route('x', { headers: { format: ['png', 'pdf'] } })).toEqual(['b'])
    expect(context.route('x', { headers: { format: ['PDF'], size: ['1'] } })).toEqual([])
    expect(context.route('x', { routingKey: 'pdf' })).toEqual([])
    // As with RabbitMQ: of no headers a message has all, and none of them.
    context.bind('x', { topic: 'c', match: 'all' })
    context.bind('x', { topic: 'd', match: 'any' })
    expect(context.route('x')).toEqual(['c'])
  })

  it('consistent-hash: gives it to one, by its routing key', () => {
    const context = begin('consistent-hash')
    for (const topic of ['a', 'b', 'c']) context.bind('x', { topic })
    const keys = Array.from({ length: 60 }, (_, at) => `user-${at}`)
    const first = keys.map((routingKey) => context.route('x', { routingKey }))
    expect(new Set(first.flat())).toEqual(new Set(['a', 'b', 'c']))
    expect(first.every((topics) => topics.length === 1)).toBe(true)
    context.unbind('x', { topic: 'c' })
    for (const [at, routingKey] of keys.entries()) {
      const now = context.route('x', { routingKey })
      if (first[at]?.[0] !== 'c') expect(now).toEqual(first[at])
      else expect(now).toHaveLength(1)
    }
  })
})

describe('a message', () => {
  it('comes to a queue once, however many ways lead there (X2)', () => {
    const context = begin('topic')
    context.declare('y', 'fanout')
    context.bind('x', { topic: 'a', routingKey: '#' })
    context.bind('x', { topic: 'a', routingKey: '*' })
    context.bind('x', { toExchange: 'y', routingKey: 'one' })
    context.bind('y', { topic: 'a' })
    context.bind('y', { topic: 'b' })
    expect(context.route('x', { routingKey: 'one' })).toEqual(['a', 'b'])
    expect(context.ends('a')).toEqual([1])
  })

  it('comes to an exchange once, so that cycles end', () => {
    const context = begin('fanout')
    context.declare('y', 'fanout')
    context.bind('x', { toExchange: 'y' })
    context.bind('x', { toExchange: 'x' })
    context.bind('y', { toExchange: 'x' })
    context.bind('y', { topic: 'c' })
    expect(context.route('x')).toEqual(['c'])
    expect(context.route('y')).toEqual(['c'])
  })

  it('that matches nothing goes to the alternate exchange, of each exchange that has one', () => {
    const context = begin('direct')
    context.declare('main', 'direct', 'second')
    context.bind('main', { topic: 'a', routingKey: 'a' })
    expect(context.route('main', { routingKey: 'b' })).toEqual([])
    // It may come later than whoever names it.
    context.declare('second', 'direct', 'rest')
    context.bind('second', { topic: 'b', routingKey: 'b' })
    context.declare('rest', 'fanout', 'main')
    expect(context.route('main', { routingKey: 'a' })).toEqual(['a'])
    expect(context.route('main', { routingKey: 'b', mandatory: true })).toEqual(['b'])
    expect(context.route('main', { routingKey: 'c', mandatory: true })).toEqual([
      'UNROUTABLE_MESSAGE',
    ])
    context.bind('rest', { topic: 'c' })
    expect(context.route('main', { routingKey: 'c', mandatory: true })).toEqual(['c'])
  })

  it('goes to no more exchanges than there may be in a row', () => {
    const context = begin('fanout', ['a'], { routingHopsMax: 3 })
    context.declare('y', 'fanout')
    context.declare('z', 'fanout')
    context.bind('x', { toExchange: 'y' })
    context.bind('y', { toExchange: 'z' })
    context.bind('z', { topic: 'a' })
    expect(context.route('x')).toEqual(['a'])
    context.declare('first', 'fanout')
    context.bind('first', { toExchange: 'x' })
    expect(context.route('first')).toEqual(['POLICY_VIOLATION'])
  })

  it('goes where following every binding by hand leads', () => {
    const name = fc.constantFrom('x', 'y', 'z')
    const target = fc.constantFrom('x', 'y', 'z', 'a', 'b', 'c')
    const key = fc.constantFrom('k', 'l')
    const bindings = fc.array(fc.tuple(name, target, key), { maxLength: 14 })
    const alternates = fc.tuple(...['x', 'y', 'z'].map(() => fc.option(name)))
    fc.assert(
      fc.property(bindings, alternates, (all, [ofX, ofY, ofZ]) => {
        const context = new RoutingContext()
        for (const topic of ['a', 'b', 'c']) context.createTopic(topic)
        const alternate: Record<string, string | null | undefined> = { x: ofX, y: ofY, z: ofZ }
        for (const exchange of ['x', 'y', 'z']) {
          context.declare(exchange, 'direct', alternate[exchange] ?? null)
        }
        for (const [from, to, routingKey] of all) {
          const isTopic = ['a', 'b', 'c'].includes(to)
          context.bind(from, { ...(isTopic ? { topic: to } : { toExchange: to }), routingKey })
        }
        const expected = new Set<string>()
        const seen = new Set<string>()
        const follow = (exchange: string): void => {
          if (seen.has(exchange)) return
          seen.add(exchange)
          const ways = all.filter(([from, , routingKey]) => from === exchange && routingKey === 'k')
          const other = alternate[exchange]
          if (ways.length === 0 && other) follow(other)
          for (const [, to] of ways) {
            if (['a', 'b', 'c'].includes(to)) expected.add(to)
            else follow(to)
          }
        }
        follow('x')
        expect(context.route('x', { routingKey: 'k' }).sort()).toEqual([...expected].sort())
      }),
    )
  })
})
