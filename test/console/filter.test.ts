/** The language of the message browser's filters. */
import { describe, expect, test } from 'vitest'
import { toFilter, type Filterable } from '../../src/console/filter/filter.js'
import { FilterError } from '../../src/console/filter/filter-error.js'

const message: Filterable = {
  partition: 2,
  offset: 117,
  timestamp: Date.parse('2026-03-01T12:00:00Z'),
  key: 'user-7',
  value: {
    total: 9.5,
    city: 'Zürich',
    isPaid: true,
    refund: null,
    items: [{ sku: 'a-1', count: 2 }, { sku: 'b-2' }],
    tags: ['new', 'web'],
    at: new Date('2026-02-01'),
    'odd name': 1,
    large: 12345678901234567890n,
    rates: new Map([['CHF', 1.1]]),
  },
  headers: { source: 'web', attempt: '3', trace: ['x', 'y'], raw: new TextEncoder().encode('abc') },
  priority: 4,
  messageId: 'order-17',
  codec: 'structured',
}

describe('a filter lets a message pass', () => {
  test.each([
    '',
    '  ',
    'key = "user-7"',
    "key == 'user-7'",
    'key != "user-8"',
    'key startsWith "user"',
    'key endsWith "-7"',
    'key contains "USER"',
    'value.total > 9',
    'value.total >= 9.5 and value.total <= 9.5',
    'value.city = "Zürich"',
    'value.city contains "züri"',
    'value.isPaid',
    'value.isPaid = true',
    'not value.refund',
    'value.refund = null',
    'value.items[0].sku = "a-1"',
    'value.items[1].count != 2',
    'value["odd name"] = 1',
    'value.tags contains "web"',
    'value.tags = "new"',
    'value.at < "2026-02-02"',
    'value.large > 1e18',
    'value.rates.CHF > 1',
    'value contains "zürich"',
    'headers.source = "web"',
    'headers.attempt > 2',
    'headers.trace = "y"',
    'headers.raw = "abc"',
    'headers.source in ["app", "web"]',
    'offset >= 117 && offset < 118',
    'offset in [1, 117]',
    'partition = 2',
    'timestamp >= "2026-03-01" and timestamp < "2026-03-02"',
    'timestamp > 1700000000000',
    'priority = 4',
    'messageId = "order-17"',
    'codec = "structured"',
    '"zürich"',
    '"user-7"',
    'key = "no" or (value.total = 9.5 and not (partition = 1))',
    'key = "no" and key = "no" or key = "user-7"',
    '!value.nothing || value.total = 0',
  ])('%s', (text) => {
    expect(toFilter(text)(message)).toBe(true)
  })
})

describe('a filter does not let a message pass', () => {
  test.each([
    'key = "user-8"',
    'value.total > 9.5',
    'value.total = "abc"',
    'value.city = 9',
    'value.nothing',
    'value.nothing = 1',
    'value.nothing < 1',
    'value.refund',
    'value.total.more',
    'value.constructor',
    'value.__proto__',
    'value.toString',
    'headers.source = "WEB"',
    'offset in [1, 2]',
    'not (key = "user-7" or partition = 1)',
    'deliverAt',
    '"nowhere"',
    'value.isPaid = false',
    'key = "user-7" and not priority = 4',
  ])('%s', (text) => {
    expect(toFilter(text)(message)).toBe(false)
  })
})

describe('a filter that is malformed says where', () => {
  test.each([
    ['value.total >', 13, 'the filter ends where something to compare with is expected'],
    ['value.total > abc', 14, '“abc” stands where a text in quotes'],
    ['total > 5', 0, '“total” is none of key, value'],
    ['total > 5', 0, 'a part of the value is value.total'],
    ['user-7', 0, 'to look for a text, put it in quotes: "user-7"'],
    ['key = "a" and (user)', 15, 'to look for a text, put it in quotes: "user"'],
    ['17', 0, 'to look for a text, put it in quotes: "17"'],
    ['user@example.com', 4, 'a text stands in quotes'],
    ['key = "a" value', 10, '“value” stands where “and”, “or” or the end is expected'],
    ['(key = "a"', 10, 'the filter ends where “)” is expected'],
    ['key = "a', 6, 'no closing "'],
    ['key = "a" and', 13, 'the filter ends where one of key'],
    ['value. = 3', 7, '“=” stands where a name'],
    ['value[x] = 3', 6, '“x” stands where a "name" or a number'],
    ['value[0 = 3', 8, '“=” stands where “]”'],
    ['offset in 5', 10, 'a number stands where “[”'],
    ['offset in [5', 12, 'where “,” or “]”'],
    ['timestamp > "soon"', 12, 'this is no time'],
    ['key # "a"', 4, '“#” means nothing here'],
    ['key = 🙂', 6, '“🙂” means nothing here'],
    [`${'('.repeat(60)}key${')'.repeat(60)}`, 50, 'nested deeper than 50'],
    [`key = "${'x'.repeat(2_000)}"`, 2_000, 'at most 2000 characters'],
  ])('%s', (text, at, reason) => {
    let error: unknown
    try {
      toFilter(text)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(FilterError)
    expect((error as FilterError).message).toContain(reason)
    expect((error as FilterError).at).toBe(at)
  })
})

test('JSON that is text or bytes is gone into', () => {
  const json = '{"a":{"b":[7]},"city":"Lima"}'
  const inner = JSON.stringify({ total: 5 })
  for (const value of [json, new TextEncoder().encode(json)]) {
    const of = { ...message, value }
    expect(toFilter('value.a.b[0] = 7 and value.city = "Lima"')(of)).toBe(true)
    expect(toFilter('value.a.b[0] = 8')(of)).toBe(false)
    expect(toFilter('value contains "lima"')(of)).toBe(true)
  }
  expect(toFilter('value.inner.total = 5')({ ...message, value: { inner } })).toBe(true)
  expect(toFilter('value.length')({ ...message, value: 'no json' })).toBe(false)
})

test('keys of bytes, tombstones and messages without a key are no trouble', () => {
  const bare = { ...message, key: null, value: null }
  expect(toFilter('key = null')(bare)).toBe(true)
  expect(toFilter('value = null')(bare)).toBe(true)
  expect(toFilter('key contains "a"')(bare)).toBe(false)
  expect(toFilter('"a"')(bare)).toBe(false)
  expect(toFilter('value.a > 1')(bare)).toBe(false)
  const bytes = { ...message, key: new TextEncoder().encode('user-9') }
  expect(toFilter('key = "user-9"')(bytes)).toBe(true)
})
