import { describe, expect, it } from 'vitest'
import type { ExchangeType } from '../../../src/protocol/requests/exchanges.js'
import { thrownBy } from '../../protocol/thrown.js'
import { RoutingContext, type BindingFields } from './routing-context.js'

function begin(limits = {}): RoutingContext {
  const context = new RoutingContext(limits)
  context.createTopic('orders')
  context.declare('x', 'direct')
  return context
}

const codeOf = (action: () => unknown) => thrownBy(action).code

describe('declaring an exchange', () => {
  it('again as it is changes nothing, as anything else is refused', () => {
    const context = begin()
    context.declare('y', 'topic', 'x')
    context.bind('y', { topic: 'orders', routingKey: '#' })
    const before = context.exchanges
    context.declare('y', 'topic', 'x')
    expect(context.exchanges).toEqual(before)
    expect(codeOf(() => context.declare('y', 'topic'))).toBe('EXCHANGE_ALREADY_EXISTS')
    expect(codeOf(() => context.declare('y', 'direct', 'x'))).toBe('EXCHANGE_ALREADY_EXISTS')
    expect(context.exchanges).toEqual(before)
  })

  it('has an end', () => {
    const context = begin({ exchangesMax: 2 })
    context.declare('y', 'fanout')
    expect(codeOf(() => context.declare('z', 'fanout'))).toBe('POLICY_VIOLATION')
    context.declare('y', 'fanout')
  })
})

describe('a binding', () => {
  it('is there once, whatever the order of its headers, and takes the last weight', () => {
    const context = begin()
    context.declare('h', 'headers')
    context.declare('c', 'consistent-hash')
    context.bind('h', { topic: 'orders', headers: { a: '1', b: '2' } })
    context.bind('h', { topic: 'orders', headers: { b: '2', a: '1' } })
    context.bind('h', { topic: 'orders', headers: { a: '1', b: '2' }, match: 'any' })
    context.bind('c', { topic: 'orders', weight: 2 })
    context.bind('c', { topic: 'orders', weight: 5 })
    const [c, h] = context.exchanges
    expect(c?.bindings).toEqual([
      { topic: 'orders', routingKey: '', headers: {}, match: 'all', weight: 5 },
    ])
    expect(h?.bindings).toHaveLength(2)
  })

  it('is taken away by what it was made with', () => {
    const context = begin()
    context.bind('x', { topic: 'orders', routingKey: 'a' })
    context.bind('x', { topic: 'orders', routingKey: 'b' })
    context.unbind('x', { topic: 'orders', routingKey: 'c' })
    context.unbind('x', { topic: 'orders', routingKey: 'a' })
    context.unbind('x', { topic: 'orders', routingKey: 'a' })
    expect(context.exchanges[0]?.bindings.map(({ routingKey }) => routingKey)).toEqual(['b'])
    expect(context.route('x', { routingKey: 'a' })).toEqual([])
  })

  it('leads to what is there', () => {
    const context = begin()
    const bind = (exchange: string, fields: BindingFields) => () => context.bind(exchange, fields)
    expect(codeOf(bind('x', { topic: 'refunds' }))).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    expect(codeOf(bind('x', { toExchange: 'y' }))).toBe('UNKNOWN_EXCHANGE')
    expect(codeOf(bind('y', { topic: 'orders' }))).toBe('UNKNOWN_EXCHANGE')
    expect(codeOf(() => context.unbind('y', { topic: 'orders' }))).toBe('UNKNOWN_EXCHANGE')
  })

  it('says nothing that its exchange does not look at', () => {
    const context = begin()
    const types: readonly ExchangeType[] = ['direct', 'topic', 'fanout', 'headers']
    for (const type of types) {
      context.declare(type, type)
      const weighted = () => context.bind(type, { topic: 'orders', weight: 2 })
      expect(codeOf(weighted)).toBe('INVALID_CONFIG')
      if (type === 'headers') continue
      const withHeaders = () => context.bind(type, { topic: 'orders', headers: { a: '1' } })
      expect(codeOf(withHeaders)).toBe('INVALID_CONFIG')
      expect(codeOf(() => context.bind(type, { topic: 'orders', match: 'any' }))).toBe(
        'INVALID_CONFIG',
      )
    }
    const routingKey = Array.from({ length: 31 }, () => 'a').join('.')
    expect(codeOf(() => context.bind('topic', { topic: 'orders', routingKey }))).toBe(
      'INVALID_CONFIG',
    )
    context.bind('direct', { topic: 'orders', routingKey })
  })

  it('is one of so many of its exchange, and of so many of all', () => {
    const context = begin({ bindingsPerExchangeMax: 2, bindingsMax: 3 })
    context.declare('y', 'direct')
    const bind = (exchange: string, routingKey: string) => () =>
      context.bind(exchange, { topic: 'orders', routingKey })
    bind('x', 'a')()
    bind('x', 'b')()
    expect(codeOf(bind('x', 'c'))).toBe('POLICY_VIOLATION')
    bind('x', 'b')()
    bind('y', 'a')()
    expect(codeOf(bind('y', 'b'))).toBe('POLICY_VIOLATION')
    context.unbind('x', { topic: 'orders', routingKey: 'a' })
    bind('y', 'b')()
  })
})

describe('deleting', () => {
  it('an exchange takes its bindings along, and those to it', () => {
    const context = begin()
    context.declare('y', 'fanout')
    context.bind('x', { toExchange: 'y', routingKey: 'a' })
    context.bind('x', { topic: 'orders', routingKey: 'a' })
    context.bind('y', { toExchange: 'y' })
    context.bind('y', { topic: 'orders' })
    context.publish('y', [{}])
    context.remove('y')
    expect(context.exchanges).toMatchObject([
      { exchange: 'x', bindings: [{ topic: 'orders', routingKey: 'a' }] },
    ])
    expect(codeOf(() => context.remove('y'))).toBe('UNKNOWN_EXCHANGE')
    // One of the same name is another, to which nothing is bound.
    context.declare('y', 'fanout')
    expect(context.route('y')).toEqual([])
  })

  it('an exchange only if nothing is bound to it, when that is asked for', () => {
    const context = begin()
    context.bind('x', { topic: 'orders' })
    expect(codeOf(() => context.remove('x', { ifUnused: true }))).toBe('EXCHANGE_IN_USE')
    context.unbind('x', { topic: 'orders' })
    context.remove('x', { ifUnused: true })
    expect(context.exchanges).toEqual([])
  })

  it('a topic takes the bindings to it along', () => {
    const context = begin()
    context.createTopic('refunds')
    context.declare('y', 'fanout')
    for (const exchange of ['x', 'y']) {
      context.bind(exchange, { topic: 'orders' })
      context.bind(exchange, { topic: 'refunds' })
    }
    context.deleteTopic('orders')
    expect(context.route('y')).toEqual(['refunds'])
    context.createTopic('orders')
    expect(context.route('x')).toEqual(['refunds'])
  })
})
