/** How the console stands with its broker, over one in memory, in a page that is all stubs. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ConsoleSession } from '../../src/console/session/console-session.js'
import { memoryBroker, type MemoryBroker } from '../../src/testing/index.js'

let broker: MemoryBroker
let session: ConsoleSession
let page: EventTarget & { visibilityState: string }

beforeEach(() => {
  page = Object.assign(new EventTarget(), { visibilityState: 'visible' })
  vi.stubGlobal('document', page)
  broker = memoryBroker()
  session = new ConsoleSession({ mq: broker.client(), ownsClient: false })
})

afterEach(async () => {
  await session.close()
  await broker.close()
  vi.unstubAllGlobals()
})

/** Waits until it stands so, and says how it came there. */
async function links(status: string): Promise<string[]> {
  const seen = [session.state.link.status as string]
  await new Promise<void>((resolve) => {
    const stop = session.onChange(() => {
      const now = session.state.link.status
      if (now !== seen.at(-1)) seen.push(now)
      if (now !== status) return
      stop()
      resolve()
    })
  })
  return seen
}

function look(visibilityState: string): void {
  page.visibilityState = visibilityState
  page.dispatchEvent(new Event('visibilitychange'))
}

test('a client that the page closes ends the connection, and says so', async () => {
  await links('connected')
  const closed = links('closed')
  await session.mq.close()
  expect((await closed).at(-1)).toBe('closed')
  look('hidden')
  look('visible')
  await expect(session.mq.connect()).rejects.toMatchObject({ code: 'CLIENT_CLOSED' })
  expect(session.state.link).toEqual({ status: 'closed' })
})

test('a client that was closed before is not waited for', async () => {
  const mq = broker.client()
  await mq.close()
  await session.close()
  session = new ConsoleSession({ mq, ownsClient: false })
  expect(await links('closed')).toEqual(['connecting', 'closed'])
})

test('what was made is seen with the state that has it, and no sooner', async () => {
  await links('connected')
  const admin = broker.client().admin()
  const { signal } = new AbortController()
  const topic = session.sees({ view: 'topics', name: 'orders' }, signal)
  const exchange = session.sees({ view: 'exchanges', name: 'events' }, signal)
  await admin.createTopics({ topics: [{ topic: 'orders' }] })
  await admin.declareExchange({ exchange: 'events', type: 'topic' })
  expect(await topic).toBe(true)
  expect(session.state.cluster?.topics).toMatchObject([{ topic: 'orders' }])
  expect(await exchange).toBe(true)
  expect(session.state.cluster?.exchanges).toMatchObject([{ exchange: 'events' }])
  expect(await session.sees({ view: 'topics' }, signal)).toBe(true)
})

test('what does not come is waited for no longer than asked, nor for ever', async () => {
  await links('connected')
  const nowhere = { view: 'topics', name: 'nowhere' } as const
  const control = new AbortController()
  const waiting = session.sees(nowhere, control.signal)
  control.abort()
  expect(await waiting).toBe(false)
  expect(await session.sees(nowhere, control.signal)).toBe(false)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const late = session.sees(nowhere, new AbortController().signal)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await late).toBe(false)
  } finally {
    vi.useRealTimers()
  }
})
