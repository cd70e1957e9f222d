import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatRoute, parseRoute, VIEWS, type Route } from '../../src/console/route.js'

const text = fc.string({ unit: 'grapheme', minLength: 1 })
const offset = fc.nat({ max: Number.MAX_SAFE_INTEGER })
const begin = fc.oneof(
  fc.record({ offset }),
  fc.record({ timestampMs: fc.integer({ min: -8.64e15, max: 8.64e15 }) }),
  fc.record({ from: fc.constantFrom('oldest' as const, 'live' as const) }),
  fc.constant({}),
)
const wanted = fc.record({ partition: fc.nat(), key: text, filter: text }, { requiredKeys: [] })
const routes: fc.Arbitrary<Route> = fc.oneof(
  fc.record({ view: fc.constantFrom(...VIEWS) }),
  fc.record({ view: fc.constantFrom(...VIEWS.filter((view) => view !== 'health')), name: text }),
  fc
    .tuple(text, wanted, begin)
    .map(([name, which, where]): Route => ({ view: 'messages', name, ...which, ...where })),
)

describe('what a console shows, as a text', () => {
  const paths: readonly (readonly [Route, string])[] = [
    [{ view: 'topics' }, 'topics'],
    [{ view: 'topics', name: 'orders' }, 'topics/orders'],
    [{ view: 'messages', name: 'orders', partition: 3 }, 'messages/orders/3'],
    [{ view: 'messages', name: 'orders', partition: 3, offset: 117 }, 'messages/orders/3/117'],
    [{ view: 'messages', name: 'orders', from: 'live' }, 'messages/orders?from=live'],
    [{ view: 'messages', name: 'orders', offset: 117 }, 'messages/orders?from=117'],
    [
      { view: 'messages', name: 'orders', partition: 3, timestampMs: 1_769_860_800_000 },
      'messages/orders/3?from=2026-01-31T12:00:00.000Z',
    ],
    [
      {
        view: 'messages',
        name: 'orders',
        from: 'oldest',
        key: 'user-7',
        filter: 'value.total > 100',
      },
      'messages/orders?from=oldest&key=user-7&filter=value.total%20%3E%20100',
    ],
    [
      { view: 'messages', name: 'orders', partition: 3, offset: 7, key: 'a&b=?+' },
      'messages/orders/3/7?key=a%26b%3D%3F%2B',
    ],
    [{ view: 'stores', name: 'a/b c#ü%' }, 'stores/a%2Fb%20c%23%C3%BC%25'],
    [{ view: 'share-groups', name: '..' }, 'share-groups/..'],
  ]

  it('is written and read alike', () => {
    for (const [route, path] of paths) {
      expect(formatRoute(route)).toBe(path)
      expect(parseRoute(path)).toEqual(route)
    }
  })

  it('is the same after it was written and read, whatever is chosen', () => {
    fc.assert(
      fc.property(routes, (route) => {
        expect(parseRoute(formatRoute(route))).toEqual(route)
        expect(formatRoute(route)).toMatch(/^[\w.~!*'()%/?=&:+-]+$/)
      }),
    )
  })

  it('can be written in more than one way', () => {
    expect(parseRoute('topics/')).toEqual({ view: 'topics' })
    expect(parseRoute('topics?')).toEqual({ view: 'topics' })
    const orders = { view: 'messages', name: 'orders' }
    expect(parseRoute('messages/orders?from=newest')).toEqual(orders)
    expect(parseRoute('messages/orders/3?from=117')).toEqual(parseRoute('messages/orders/3/117'))
    const noon = { ...orders, key: 'a=b', timestampMs: 1_769_860_800_000 }
    expect(parseRoute('messages/orders/?key=a=b&from=2026-01-31T12%3A00Z')).toEqual(noon)
  })

  it('leads nowhere when it is not understood', () => {
    const wrong = ['', '/', 'nothing', 'topics//x', 'topics/a/b', 'health/x', 'stores/%']
    const numbers = ['messages/a/x', 'messages/a/-1', 'messages/a/1/1e3']
    for (const path of [...wrong, ...numbers]) {
      expect(parseRoute(path), path).toBeUndefined()
    }
    expect(parseRoute('messages/a/1/2/3')).toBeUndefined()
    expect(parseRoute('messages/a/99999999999999999999')).toBeUndefined()
  })

  it('leads nowhere when it says more than is understood, or twice', () => {
    const begins = ['from=', 'from=late', 'from=-1', 'from=1.5', 'from=99999999999999999999']
    const times = ['2026-01-31T12:00', '2026-01-31', '2026-02-31T12:00Z', '2026-01-31T12:61Z']
    const twice = ['from=live&from=live', 'key=a&key=b', 'from=newest&from=oldest']
    const queries = [...begins, ...times.map((time) => `from=${time}`), ...twice]
    const malformed = [
      'key',
      'key=',
      'key=%',
      'filter=%ff',
      'other=1',
      'from=live&',
      '&',
      '?',
      '=a',
    ]
    for (const query of [...queries, ...malformed]) {
      expect(parseRoute(`messages/orders?${query}`), query).toBeUndefined()
    }
    for (const path of ['messages', 'topics/orders', 'health', 'messages/orders/x']) {
      expect(parseRoute(`${path}?key=a`), path).toBeUndefined()
    }
    expect(parseRoute('messages/orders/3/117?from=oldest')).toBeUndefined()
    expect(parseRoute('messages/orders/3/117?from=newest')).toBeUndefined()
  })

  it('can be written whatever a store is called', () => {
    expect(formatRoute({ view: 'stores', name: 'half \ud83d' })).toBe('stores/half%20%EF%BF%BD')
  })
})
