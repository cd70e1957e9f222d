import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { queryOf, routeOf } from '../../src/console/messages/query-route.js'
import { checkQuery, type Query } from '../../src/console/messages/read-form.js'
import { parseRoute } from '../../src/console/route.js'
import type { TopicState } from '../../src/index.js'

const ORDERS = {
  topic: 'orders',
  partitions: [{ partition: 0 }, { partition: 1 }],
} as unknown as TopicState

const FORM: Query = {
  topic: 'orders',
  partition: 'all',
  start: 'newest',
  offset: '',
  time: '',
  key: '',
  filter: '',
}

function routeOfForm(part: Partial<Query>) {
  const query = { ...FORM, ...part }
  const { checked } = checkQuery(query, ORDERS)
  return checked && routeOf(query, checked)
}

describe('what the form for messages says, as an address', () => {
  it('says what is chosen, and nothing of what is not', () => {
    const orders = { view: 'messages', name: 'orders' }
    expect(routeOfForm({ offset: '7', time: '2026-01-31T12:00', filter: ' ' })).toEqual(orders)
    expect(routeOfForm({ start: 'live', partition: '1' })).toEqual({
      ...orders,
      partition: 1,
      from: 'live',
    })
    expect(routeOfForm({ start: 'offset', offset: ' 7 ' })).toEqual({ ...orders, offset: 7 })
    const timestampMs = new Date('2026-01-31T12:00:00.250').getTime()
    expect(routeOfForm({ start: 'time', time: '2026-01-31T12:00:00.250' })).toEqual({
      ...orders,
      timestampMs,
    })
  })

  it('is a form that asks for the same', () => {
    const times = ['0999-01-31T12:00:00.000Z', '2026-01-31T12:00:00.250Z']
    const begins = fc.constantFrom(
      '',
      'from=oldest',
      'from=live',
      'from=117',
      ...times.map((time) => `from=${time}`),
    )
    fc.assert(
      fc.property(begins, fc.constantFrom('', 'key=%20a', 'filter=value.a'), (begin, which) => {
        const query = [begin, which].filter((part) => part !== '').join('&')
        const route = parseRoute(`messages/orders?${query}`)
        expect(route).toBeDefined()
        if (route !== undefined) expect(routeOfForm(queryOf(route, 'first'))).toEqual(route)
      }),
    )
  })

  it('is none for what no address can have', () => {
    expect(routeOfForm({ key: 'half \ud83d' })).toBeUndefined()
    expect(routeOfForm({ filter: '"half \ud83d"' })).toBeUndefined()
    expect(routeOfForm({ key: 'whole \u{1f600}' })).toBeDefined()
  })
})
