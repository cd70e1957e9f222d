/** The mark by which a tab knows that the page has opened it. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { closeThisTab, readMark, wasOpenedByPage } from '../../demo/tabs/open-tabs.js'

let address: URL

beforeEach(() => {
  address = new URL('https://example.org/deep/?opened-by-page#/learn/lag/2')
  const stored = new Map<string, string>()
  vi.stubGlobal('location', address)
  vi.stubGlobal('history', {
    state: null,
    replaceState: (_: unknown, __: string, to: string) => {
      address.href = new URL(to, address).href
    },
  })
  vi.stubGlobal('sessionStorage', {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => void stored.set(key, value),
    removeItem: (key: string) => void stored.delete(key),
  })
})
afterEach(() => {
  vi.unstubAllGlobals()
})

test('the mark leaves the address, to be shared, and stays over reloads', () => {
  readMark()
  expect(address.href).toBe('https://example.org/deep/#/learn/lag/2')
  expect(wasOpenedByPage()).toBe(true)
  readMark()
  expect(wasOpenedByPage()).toBe(true)
})

test('a tab that its browser does not let close is not asked again', () => {
  readMark()
  vi.stubGlobal('window', { closed: false, close: () => {} })
  closeThisTab()
  expect(wasOpenedByPage()).toBe(false)
})
