/** What lessons set and do, put back when they are left: in tabs that share a storage, locks and settings. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Cell } from '../../demo/app/cell.js'
import { Messages } from '../../demo/app/messages.js'
import type { Parts } from '../../demo/app/parts.js'
import { Played } from '../../demo/learn/played.js'
import { PutBack } from '../../demo/learn/put-back.js'
import type { Scenario } from '../../demo/learn/scenario.js'
import { SCENARIOS } from '../../demo/learn/scenarios.js'
import { sendPoison, stopAll } from '../../demo/learn/step-actions.js'
import { deferred } from '../../src/std/deferred.js'

let page: ReturnType<typeof newPage>

beforeEach(() => {
  page = newPage()
  const stored = new Map<string, string>()
  vi.stubGlobal('navigator', { locks: new PageLocks() })
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => stored.set(key, value),
    removeItem: (key: string) => stored.delete(key),
  })
})
afterEach(() => vi.unstubAllGlobals())

describe('a lesson that follows another', () => {
  it('begins when the settings are as before, whatever is still to stop', async () => {
    const tab = new Tab()
    const stopping = deferred<void>()
    tab.jobsStop = () => stopping.promise
    await tab.enter('poison-message')
    tab.demo.jobs.isWorking.set(true)
    page.workMs.set(5)
    const seen: number[] = []
    tab.putBack.entered.listen(() => seen.push(page.workMs.value))
    tab.leave('poison-message')
    await tab.enter('lag')
    expect(seen).toEqual([2])
    expect(tab.said()).toEqual([
      'As before the lesson: this tab works on no jobs, a message takes 2 ms.',
    ])

    page.workMs.set(5)
    tab.flow(400)
    stopping.resolve()
    await settled()
    expect(page.workMs.value).toBe(5)
    expect(tab.demo.generator.isOn.value).toBe(true)
    tab.leave('lag')
    await settled()
    expect(page.workMs.value).toBe(2)
    expect(tab.demo.generator).toMatchObject({ isOn: { value: false }, rate: { value: 100 } })
    expect(tab.said()).toEqual([
      'As before the lesson: the flow has stopped, a message takes 2 ms.',
    ])
  })

  it('begins though one before it was left before it could', async () => {
    const tab = new Tab()
    const first = new Played()
    tab.putBack.enter(tab.parts, first)
    tab.leave('lag')
    const second = await tab.enter('lag')
    expect(tab.putBack.entered.value).toBe(second)
  })

  it('says what could not be stopped', async () => {
    const tab = new Tab()
    tab.jobsStop = () => Promise.reject(new Error('it hangs'))
    await tab.enter('poison-message')
    tab.demo.jobs.isWorking.set(true)
    tab.leave('poison-message')
    await settled()
    expect(tab.said()).toEqual([
      'Not all is as it was before the lesson. It hangs. (Error)',
      'As before the lesson: this tab works on no jobs.',
    ])
  })
})

describe('a poison message that a lesson has sent', () => {
  it('is set aside when the lesson is left, though no handler has come to it yet', async () => {
    const tab = new Tab()
    page.policy.set('set aside')
    await tab.enter('poison-message')
    void sendPoison.run(tab.parts)
    expect(page.policy.value).toBe('retry')
    tab.leave('poison-message')
    await settled()
    expect(page.policy.value).toBe('set aside')
    expect(tab.said()).toEqual(['As before the lesson: the poison message is set aside.'])
  })

  it('is no matter of lessons that have sent none, nor once it was set aside', async () => {
    const tab = new Tab()
    await tab.enter('poison-message')
    tab.leave('poison-message')
    await settled()
    expect(page.policy.value).toBe('retry')
    await tab.enter('poison-message')
    void sendPoison.run(tab.parts)
    page.policy.set('set aside')
    tab.leave('poison-message')
    await settled()
    expect(tab.said()).toEqual([])
  })
})

describe('workers that a lesson has stopped', () => {
  it('start again when it is left, also after a reload that starts only one', async () => {
    const tab = new Tab()
    await tab.enter('two-groups')
    await stopAll.run(tab.parts)
    expect(page.started).toEqual(new Set())
    const reloaded = tab.reload()
    await reloaded.enter('two-groups')
    expect(page.started).toEqual(new Set([1]))
    reloaded.leave('two-groups')
    await settled()
    expect(page.started).toEqual(new Set([1, 2]))
    expect(reloaded.said()).toEqual(['As before the lesson: all workers have started.'])
  })

  it('start again for the next page when all tabs of lessons were closed', async () => {
    const tab = new Tab()
    const other = new Tab(2)
    await tab.enter('two-groups')
    await other.enter('lag')
    await stopAll.run(tab.parts)
    tab.close()
    other.leave('lag')
    await settled()
    expect(page.started).toEqual(new Set([1, 2]))
    expect(other.said()).toEqual(['As before the lesson: all workers have started.'])
  })

  it('stay as they are while another tab is in its lesson', async () => {
    const tab = new Tab()
    const other = new Tab(2)
    await tab.enter('two-groups')
    await other.enter('lag')
    await stopAll.run(tab.parts)
    other.leave('lag')
    other.putBack.tidy(other.parts)
    await settled()
    expect(page.started).toEqual(new Set())
  })

  it('stay stopped when they were so before, and are not said to start when they work', async () => {
    const tab = new Tab()
    page.started.clear()
    await tab.enter('two-groups')
    page.started.add(1)
    await stopAll.run(tab.parts)
    tab.leave('two-groups')
    await settled()
    expect(page.started).toEqual(new Set())
    page.started = new Set([1, 2])
    await tab.enter('two-groups')
    await stopAll.run(tab.parts)
    page.started = new Set([1, 2])
    tab.leave('two-groups')
    await settled()
    expect(tab.said()).toEqual([])
  })
})

/** What all tabs have in common. */
function newPage() {
  return {
    workMs: new Cell(2),
    membership: new Cell('dynamic'),
    line: new Cell('connected'),
    policy: new Cell('retry'),
    /** The tabs whose worker is started. */
    started: new Set([1, 2]),
  }
}

/** One of two tabs, as lessons know it. */
class Tab {
  readonly putBack = new PutBack()
  readonly demo
  readonly parts: Parts
  readonly number: number
  jobsStop: () => Promise<void> = () => Promise.resolve()
  readonly #messages = new Messages(() => false)

  constructor(number = 1) {
    this.number = number
    const { workMs, membership, line, policy } = page
    const isOn = new Cell(false)
    const rate = new Cell(100)
    const generator = {
      isOn,
      rate,
      stop: () => isOn.set(false),
      setRate: (perSecond: number) => rate.set(perSecond),
    }
    const isWorking = new Cell(false)
    const stop = () => {
      isWorking.set(false)
      return this.jobsStop()
    }
    this.demo = {
      messages: this.#messages,
      generator,
      jobs: { isWorking, stop },
      secondGroup: { isOn: new Cell(false) },
      workMs,
      membership,
      outbox: { line },
      setAside: { policy },
      worker: { status: () => ({ isStarted: page.started.has(number) }) },
      shown: {
        get value() {
          const tabs = [1, 2].map((one) => ({
            name: { number: one },
            isMember: page.started.has(one),
          }))
          const groupState = page.started.size === 0 ? 'empty' : 'stable'
          return { state: {}, view: { tabs, broker: { groupState } } }
        },
      },
    }
    const actions = {
      startAll: () => (page.started = new Set([1, 2])),
      stopAll: () => page.started.clear(),
      sendPoison: () => Promise.resolve(),
    }
    this.parts = { demo: this.demo, actions, putBack: this.putBack } as unknown as Parts
  }

  async enter(id: string): Promise<Played> {
    expect(SCENARIOS.map((scenario) => scenario.id)).toContain(id)
    const played = new Played()
    this.putBack.enter(this.parts, played)
    await settled()
    expect(this.putBack.entered.value).toBe(played)
    return played
  }

  leave(id: string): void {
    this.putBack.leave(this.parts, scenarioOf(id))
  }

  flow(perSecond: number): void {
    this.demo.generator.rate.set(perSecond)
    this.demo.generator.isOn.set(true)
  }

  /** Without a word to anybody: the browser frees its locks. */
  close(): void {
    locks().free(this.number)
  }

  /** Starts a worker of its own, as each page does when it is loaded. */
  reload(): Tab {
    this.close()
    page.started.add(this.number)
    return new Tab(this.number)
  }

  said(): string[] {
    return this.#messages.shown.value.map(({ text }) => text)
  }
}

function scenarioOf(id: string): Scenario {
  const found = SCENARIOS.find((scenario) => scenario.id === id)
  if (found === undefined) throw new Error(`there is no scenario ${id}`)
  return found
}

type Held = (lock: object | null) => unknown

/** One lock, as far as lessons use it: shared, or for oneself if it is free. */
class PageLocks {
  /** In the order of their tabs. */
  readonly #holders: { readonly end: () => void }[] = []

  async request(_name: string, { ifAvailable }: { ifAvailable?: true }, held: Held) {
    if (ifAvailable === true) return held(this.#holders.length === 0 ? {} : null)
    const freed = deferred<void>()
    const holder = { end: () => freed.resolve() }
    this.#holders.push(holder)
    await Promise.race([held({}), freed.promise])
    const index = this.#holders.indexOf(holder)
    if (index >= 0) this.#holders.splice(index, 1)
    return undefined
  }

  /** What the tab that came as this one holds. */
  free(number: number): void {
    this.#holders[number - 1]?.end()
  }
}

function locks(): PageLocks {
  return navigator.locks as unknown as PageLocks
}

/** All that waits for nothing but promises. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
