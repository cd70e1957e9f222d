import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { formatRoute, parseRoute, Router, type Route } from '../../demo/app/route.js'
import { SCENARIOS } from '../../demo/learn/scenarios.js'

describe('the address of the page', () => {
  const routes: Route[] = [
    { face: 'stage' },
    { face: 'console', view: undefined },
    { face: 'console', view: 'groups' },
    { face: 'console', view: 'messages/orders/3/117' },
    { face: 'learn', scenario: undefined, step: 1 },
    { face: 'learn', scenario: 'rebalance', step: 3 },
  ]

  it('names face, scenario and step, and leads back there', () => {
    for (const route of routes) expect(parseRoute(formatRoute(route))).toEqual(route)
  })

  it('leads to the stage when it is not understood, and to the first step', () => {
    for (const hash of ['', '#', '#/', '#/nothing/else']) {
      expect(parseRoute(hash)).toEqual({ face: 'stage' })
    }
    expect(parseRoute('#/learn/lag/x')).toEqual({ face: 'learn', scenario: 'lag', step: 1 })
    expect(parseRoute('#/learn/lag/-4')).toEqual({ face: 'learn', scenario: 'lag', step: 1 })
  })
})

describe('an address that is put right', () => {
  const list: Route = { face: 'learn', scenario: undefined, step: 1 }
  let location: { hash: string }
  let heard: () => void

  beforeEach(() => {
    location = { hash: '#/learn/nothing/3' }
    vi.stubGlobal('location', location)
    vi.stubGlobal('addEventListener', (_: string, listener: () => void) => void (heard = listener))
    vi.stubGlobal('history', {
      replaceState: (_: unknown, __: string, hash: string) => void (location.hash = hash),
    })
  })

  afterEach(() => vi.unstubAllGlobals())

  it('says what is shown', () => {
    const router = new Router()
    router.correct(list)
    expect([location.hash, router.route.value]).toEqual(['#/learn', list])
  })

  it('is that of the stage where it leads nowhere, when the page is loaded and later', () => {
    location.hash = '#/nothing/else'
    const router = new Router()
    expect(location.hash).toBe('#/stage')
    location.hash = '#nowhere'
    heard()
    expect([location.hash, router.route.value]).toEqual(['#/stage', { face: 'stage' }])
  })

  it('stays as it is where it names neither a face nor anything else', () => {
    location.hash = ''
    const router = new Router()
    expect([location.hash, router.route.value]).toEqual(['', { face: 'stage' }])
  })

  it('stays as it is where it has just become another, which is shown next', () => {
    const router = new Router()
    location.hash = '#/learn/lag/2'
    router.correct(list)
    heard()
    const other = { face: 'learn', scenario: 'lag', step: 2 }
    expect([location.hash, router.route.value]).toEqual(['#/learn/lag/2', other])
  })
})

describe('the scenarios', () => {
  it('are the nine that there are to be, each with steps and an address of its own', () => {
    expect(SCENARIOS).toHaveLength(9)
    expect(new Set(SCENARIOS.map(({ id }) => id)).size).toBe(9)
    for (const { id, steps } of SCENARIOS) {
      expect(id).toMatch(/^[a-z-]+$/)
      expect(steps.length).toBeGreaterThan(2)
      expect(new Set(steps.map(({ title }) => title)).size).toBe(steps.length)
    }
  })
})
