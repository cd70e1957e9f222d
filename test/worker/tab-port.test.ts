/** One tab's port to the broker, over real message channels; the lock manager is the test's own. */
import * as Comlink from 'comlink'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { MemoryDatabase, MemoryStorage } from '../../src/broker/runtime/memory-storage.js'
import { Broker } from '../../src/broker/runtime/broker.js'
import type { BrokerEndpoint } from '../../src/protocol/endpoints.js'
import { WORKER_LIFE_MS_MIN } from '../../src/protocol/limits.js'
import { parseSessionId, parseTopicName } from '../../src/protocol/names.js'
import { PROTOCOL_VERSION } from '../../src/protocol/protocol-version.js'
import type { Push } from '../../src/protocol/push.js'
import type { RequestOf } from '../../src/protocol/requests/request.js'
import { clock, logger, random, timer } from '../../worker/worker-host.js'
import { FakeTime } from '../broker/fake-time.js'
import { workerOf, type BrokerWorker } from './broker-worker.js'

let broker: Broker
let worker: BrokerWorker
/** How long the worker lives; what the broker does takes its own time. */
let life: FakeTime
let locks: LocksByHand
const closing: MessagePort[] = []

beforeEach(async () => {
  locks = new LocksByHand()
  vi.stubGlobal('navigator', { locks })
  const storage = new MemoryStorage(new MemoryDatabase())
  broker = await Broker.start({ storage, clock, timer, random, logger })
  life = new FakeTime()
  worker = workerOf(broker, life)
})

afterEach(async () => {
  for (const port of closing.splice(0)) port.close()
  await broker.close()
  vi.unstubAllGlobals()
})

describe('a tab that is gone', () => {
  it('is heard to the end: what it sent before its lock was freed still counts', async () => {
    const tab = await openTab()
    // The lock and the port are different ways to the worker, and the lock may be the faster.
    locks.free(tab.lockName)
    for (const topic of ['last', 'words']) {
      tab.endpoint.request(createTopic(topic)).catch(() => {})
    }
    await vi.waitFor(async () => expect(await sessions()).toBe(0))
    expect(topics()).toEqual(['last', 'words'])
  })

  it('ends at once when it says goodbye', async () => {
    const tab = await openTab()
    tab.endpoint.request(createTopic('last')).catch(() => {})
    tab.endpoint.goodbye({ isTabGone: true }).catch(() => {})
    await vi.waitFor(async () => expect(await sessions()).toBe(0))
    expect(topics()).toEqual(['last'])
    expect(locks.isWatched(tab.lockName)).toBe(false)
  })

  it('does not end the tab that came back under its name on another port', async () => {
    const before = await openTab()
    locks.free(before.lockName)
    const after = await openTab(before.sessionId)
    await before.isClosed
    await after.endpoint.request(createTopic('after'))
    expect(await sessions()).toBe(1)
  })
})

it('a second hello under another name ends the first', async () => {
  const tab = await openTab()
  const { port2: pushes } = channel()
  const next = Comlink.transfer(pushes, [pushes])
  await tab.endpoint.hello(helloOf('another name', 'its lock'), next)
  await vi.waitFor(async () => expect(await sessions()).toBe(1))
  expect([locks.isWatched(tab.lockName), locks.isWatched('its lock')]).toEqual([false, true])
  tab.endpoint.goodbye({ isTabGone: true }).catch(() => {})
  await vi.waitFor(async () => expect(await sessions()).toBe(0))
})

it('a second hello under the same name keeps the session', async () => {
  const tab = await openTab()
  const { port2: pushes } = channel()
  const again = Comlink.transfer(pushes, [pushes])
  await tab.endpoint.hello(helloOf(tab.sessionId, tab.lockName), again)
  expect(await tab.endpoint.request(createTopic('after'))).toMatchObject({ ok: true })
  expect(await sessions()).toBe(1)
})

it('a request before the hello is refused', async () => {
  const endpoint = Comlink.wrap<BrokerEndpoint<MessagePort>>(servedPort())
  expect(await endpoint.request(createTopic('early'))).toMatchObject({
    ok: false,
    error: { code: 'BROKER_UNAVAILABLE' },
  })
})

it('a malformed hello is refused, and a proper one after it is not', async () => {
  const endpoint = Comlink.wrap<BrokerEndpoint<MessagePort>>(servedPort())
  const hello = helloOf('a tab', 'its lock')
  const pushes = () => {
    const { port2 } = channel()
    return Comlink.transfer(port2, [port2])
  }
  const malformed = { ...hello, clientId: 5 as unknown as string }
  expect(await endpoint.hello(malformed, pushes())).toMatchObject({
    ok: false,
    error: { code: 'INVALID_REQUEST' },
  })
  expect(await endpoint.hello(hello, pushes())).toMatchObject({ ok: true })
})

describe('a tab that is newer than the worker', () => {
  const NOT_NOW = { ok: false, error: { code: 'BROKER_UNAVAILABLE' } }

  it('is to come again later, and the others go on, while the worker has only just started', async () => {
    const old = await openTab()
    await life.advance(WORKER_LIFE_MS_MIN - 1)
    for (const protocolVersion of [PROTOCOL_VERSION + 1, Number.MAX_SAFE_INTEGER]) {
      expect(await helloOfVersion(protocolVersion)).toMatchObject(NOT_NOW)
    }
    await life.advance(0)
    expect(await old.endpoint.request(createTopic('on'))).toMatchObject({ ok: true })
    expect(worker.hasEnded).toBe(false)
  })

  it('makes a worker end that has lived for a while, for one with a newer script', async () => {
    const old = await openTab()
    await life.advance(WORKER_LIFE_MS_MIN)
    expect(await helloOfVersion(PROTOCOL_VERSION + 1)).toMatchObject(NOT_NOW)
    await vi.waitFor(() => expect(worker.hasEnded).toBe(true))
    expect(old.pushes).toContain('closed')
    // Whoever comes now, or comes again, is to find the next worker.
    expect(await helloOfVersion(PROTOCOL_VERSION)).toMatchObject(NOT_NOW)
    expect(await helloOfVersion(PROTOCOL_VERSION + 1)).toMatchObject(NOT_NOW)
  })

  it('does not end it by being older', async () => {
    await life.advance(WORKER_LIFE_MS_MIN)
    const error = { code: 'BROKER_SUPERSEDED' }
    expect(await helloOfVersion(PROTOCOL_VERSION - 1)).toMatchObject({ ok: false, error })
    await life.advance(0)
    expect(worker.hasEnded).toBe(false)
  })
})

function helloOfVersion(protocolVersion: number) {
  const endpoint = Comlink.wrap<BrokerEndpoint<MessagePort>>(servedPort())
  const { port2 } = channel()
  const hello = { ...helloOf('another tab', 'its lock'), protocolVersion }
  return endpoint.hello(hello, Comlink.transfer(port2, [port2]))
}

async function openTab(sessionId = crypto.randomUUID() as string) {
  const lockName = `the lock of ${sessionId}`
  const port = servedPort()
  const endpoint = Comlink.wrap<BrokerEndpoint<MessagePort>>(port)
  const { port1, port2: pushes } = channel()
  const pushed: string[] = []
  Comlink.expose({ push: (message: Push) => void pushed.push(message.push) }, port1)
  const isClosed = new Promise<void>((resolve) => {
    port.addEventListener('close', () => resolve())
  })
  const reply = await endpoint.hello(
    helloOf(sessionId, lockName),
    Comlink.transfer(pushes, [pushes]),
  )
  expect(reply.ok).toBe(true)
  return { endpoint, lockName, sessionId, isClosed, pushes: pushed }
}

function helloOf(sessionId: string, lockName: string) {
  return {
    protocolVersion: PROTOCOL_VERSION,
    sessionId: parseSessionId(sessionId),
    clientId: 'a tab',
    lockName,
  }
}

function servedPort(): MessagePort {
  const { port1, port2 } = channel()
  worker.serve(port2)
  return port1
}

function channel(): MessageChannel {
  const made = new MessageChannel()
  closing.push(made.port1, made.port2)
  return made
}

function createTopic(topic: string): RequestOf<'createTopics'> {
  const topics = [{ topic: parseTopicName(topic), numPartitions: 1, config: {} }]
  return { api: 'createTopics', topics, ifNotExists: false, validateOnly: false }
}

const topics = () => [...broker.state.topics.names()].sort()
const sessions = async () => (await broker.describeCluster()).sessions.length

/** Locks that are free when the test says so. */
class LocksByHand {
  readonly #waiting = new Map<string, Set<() => void>>()

  request(lockName: string, options: { signal: AbortSignal }, granted: () => void): Promise<void> {
    const waiting = this.#waiting.get(lockName) ?? new Set()
    this.#waiting.set(lockName, waiting.add(granted))
    return new Promise((_, reject) => {
      options.signal.addEventListener('abort', () => {
        waiting.delete(granted)
        reject(new Error('aborted'))
      })
    })
  }

  free(lockName: string): void {
    for (const granted of this.#waiting.get(lockName) ?? []) granted()
  }

  isWatched(lockName: string): boolean {
    return (this.#waiting.get(lockName)?.size ?? 0) > 0
  }
}
