import { describe, expect, it } from 'vitest'
import { formatRoute, parseRoute, type Route } from '../../src/console/route.js'

describe('what a console shows, as a text', () => {
  const paths: readonly (readonly [Route, string])[] = [
    [{ view: 'topics' }, 'topics'],
    [{ view: 'topics', name: 'orders' }, 'topics/orders'],
    [{ view: 'messages', name: 'orders', partition: 3 }, 'messages/orders/3'],
    [{ view: 'messages', name: 'orders', partition: 3, offset: 117 }, 'messages/orders/3/117'],
    [{ view: 'stores', name: 'a/b c#ü%' }, 'stores/a%2Fb%20c%23%C3%BC%25'],
    [{ view: 'share-groups', name: '..' }, 'share-groups/..'],
  ]

  it('is written and read alike', () => {
    for (const [route, path] of paths) {
      expect(formatRoute(route)).toBe(path)
      expect(parseRoute(path)).toEqual(route)
    }
  })

  it('may end in a slash', () => {
    expect(parseRoute('topics/')).toEqual({ view: 'topics' })
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

  it('can be written whatever a store is called', () => {
    expect(formatRoute({ view: 'stores', name: 'half \ud83d' })).toBe('stores/half%20%EF%BF%BD')
  })
})
