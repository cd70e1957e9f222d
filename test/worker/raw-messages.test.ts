/**
 * Messages on a tab's port that no client of ours sends: Comlink's other kinds, other paths, and
 * things that are not Comlink's at all. Nothing but the four methods can be reached.
 */
import * as Comlink from 'comlink'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { MemoryDatabase, MemoryStorage } from '../../src/broker/runtime/memory-storage.js'
import { Broker } from '../../src/broker/runtime/broker.js'
import { acknowledgementsOnly, callsOnly } from '../../src/protocol/port-filter.js'
import { PROTOCOL_VERSION } from '../../src/protocol/protocol-version.js'
import { clock, logger, random, timer } from '../../worker/worker-host.js'
import { workerOf } from './broker-worker.js'

let broker: Broker
const closing: MessagePort[] = []

beforeEach(async () => {
  const storage = new MemoryStorage(new MemoryDatabase())
  broker = await Broker.start({ storage, clock, timer, random, logger })
})

afterEach(async () => {
  for (const port of closing.splice(0)) port.close()
  await broker.close()
})

const LIST = { type: 'RAW', value: { api: 'listGroups' } }

/** What each is, and the message without its id. */
const REFUSED: readonly [string, object][] = [
  ['a GET of the object', { type: 'GET', path: [] }],
  ['a GET of a method', { type: 'GET', path: ['request'] }],
  ['a GET of the class', { type: 'GET', path: ['constructor', 'name'] }],
  ['a SET of a method', { type: 'SET', path: ['request'], value: LIST }],
  ['a SET of the class', { type: 'SET', path: ['__proto__', 'request'], value: LIST }],
  ['a SET of all objects', { type: 'SET', path: ['__proto__', '__proto__', 'bad'], value: LIST }],
  [
    'the construction of a function',
    {
      type: 'CONSTRUCT',
      path: ['constructor', 'constructor'],
      argumentList: [{ type: 'RAW', value: 'globalThis.bad = true' }],
    },
  ],
  [
    'a call that makes a function',
    {
      type: 'APPLY',
      path: ['constructor', 'constructor'],
      argumentList: [{ type: 'RAW', value: 'globalThis.bad = true' }],
    },
  ],
  ['a call of an inherited method', { type: 'APPLY', path: ['toString'], argumentList: [] }],
  ['a call of the constructor', { type: 'APPLY', path: ['constructor'], argumentList: [] }],
  [
    'a call of a method of a method',
    { type: 'APPLY', path: ['request', 'call'], argumentList: [] },
  ],
  ['a call of the object', { type: 'APPLY', path: [], argumentList: [] }],
  ['a call of what is no name', { type: 'APPLY', path: [{ toString: 1 }], argumentList: [] }],
  ['a path that is none', { type: 'APPLY', path: 'request', argumentList: [LIST] }],
  ['arguments that are none', { type: 'APPLY', path: ['request'], argumentList: 'listGroups' }],
  ['no arguments at all', { type: 'APPLY', path: ['request'] }],
  ['too many arguments', { type: 'APPLY', path: ['request'], argumentList: [LIST, LIST] }],
  ['an argument that is none', { type: 'APPLY', path: ['request'], argumentList: [null] }],
  [
    'an argument that throws where it is read',
    {
      type: 'APPLY',
      path: ['request'],
      argumentList: [{ type: 'HANDLER', name: 'throw', value: { isError: false, value: 1 } }],
    },
  ],
  [
    'an argument of a kind that is not known',
    { type: 'APPLY', path: ['request'], argumentList: [{ type: 'HANDLER', name: 'x', value: 1 }] },
  ],
  ['an endpoint of one’s own', { type: 'ENDPOINT' }],
  ['the release of the object', { type: 'RELEASE' }],
  ['a kind of message that is not known', { type: 'DELETE', path: ['request'] }],
  ['no kind of message', {}],
]

const NO_CALLS: readonly unknown[] = [
  undefined,
  null,
  0,
  'APPLY',
  [],
  10n ** 30n,
  new Map([['id', 'x']]),
  new Uint8Array(16),
  { type: 'RELEASE' },
  { id: '', type: 'RELEASE' },
  { id: 7, type: 'APPLY', path: ['request'], argumentList: [LIST] },
  { id: { toString: 1 }, type: 'RELEASE' },
  { id: 'x'.repeat(1_000_000), type: 'RELEASE' },
]

describe('a message that is no call of one of the methods', () => {
  it.each(REFUSED)('is refused with a typed error: %s', async (_what, message) => {
    const port = await connectedPort()
    const reply = await replyTo(port, message)
    expect(reply).toMatchObject({ type: 'RAW', value: { ok: false } })
    expect(reply).toMatchObject({ value: { error: { code: 'INVALID_REQUEST' } } })
    await expectUnharmed(port)
  })

  it('is refused also where it brings a port', async () => {
    const port = await connectedPort()
    const { port2 } = channel()
    const value = { type: 'HANDLER', name: 'proxy', value: port2 }
    const call = { type: 'APPLY', path: ['request'], argumentList: [value] }
    const reply = await replyTo(port, call, [port2])
    expect(reply).toMatchObject({ value: { ok: false, error: { code: 'INVALID_REQUEST' } } })
    await expectUnharmed(port)
  })

  it('is left alone when it has no id to answer to', async () => {
    const port = await connectedPort()
    const heard: unknown[] = []
    port.addEventListener('message', ({ data }) => heard.push(data))
    for (const message of NO_CALLS) port.postMessage(message)
    await expectUnharmed(port)
    // The answer to the one call above, and nothing else.
    expect(heard).toHaveLength(1)
  })
})

describe('a hello', () => {
  it.each([[undefined], [null], ['port'], [{ postMessage: 1 }], [new ArrayBuffer(8)]])(
    'without a port to push to is refused: %s',
    async (pushPort) => {
      const port = servedPort()
      const call = callOf('hello', hello(), pushPort)
      expect(await replyTo(port, call)).toMatchObject({
        value: { ok: false, error: { code: 'INVALID_REQUEST' } },
      })
      expect(await sessions()).toBe(0)
    },
  )
})

describe('a goodbye', () => {
  it.each([[[]], [[undefined]], [[null]], [[7]], [[{ isTabGone: 'yes' }]]])(
    'ends the session whatever it brings: %j',
    async (args) => {
      const port = await connectedPort()
      port.postMessage({ id: 'bye', ...callOf('goodbye', ...args) })
      await vi.waitFor(async () => expect(await sessions()).toBe(0))
    },
  )
})

it('a tab answers pushes and nothing else', async () => {
  const { port1, port2 } = channel()
  const pushed: unknown[] = []
  const tab = {
    push: (message: unknown) => {
      pushed.push(message)
    },
  }
  Comlink.expose(tab, callsOnly(port1, { push: 1 }))
  for (const [, message] of REFUSED) {
    expect(await replyTo(port2, message)).toMatchObject({ value: { ok: false } })
  }
  await replyTo(port2, callOf('push', 'news'))
  expect(pushed).toEqual(['news'])
})

it('what a tab answers to a push brings nothing into the broker', async () => {
  const { port1, port2 } = channel()
  const remote = Comlink.wrap<{ push(): Promise<unknown> }>(acknowledgementsOnly(port1))
  const { port2: theirs } = channel()
  port2.addEventListener('message', ({ data }) => {
    const { id } = data as { id: string }
    port2.postMessage({ id, type: 'HANDLER', name: 'proxy', value: theirs }, [theirs])
  })
  port2.start()
  expect(await remote.push()).toBe(false)
})

async function expectUnharmed(port: MessagePort): Promise<void> {
  const reply = await replyTo(port, callOf('request', { api: 'listGroups' }))
  expect(reply).toMatchObject({ value: { ok: true, value: { groups: [] } } })
  expect(({} as { bad?: unknown }).bad).toBeUndefined()
  expect((globalThis as { bad?: unknown }).bad).toBeUndefined()
  expect(await sessions()).toBe(1)
}

function callOf(method: string, ...args: unknown[]): object {
  const argumentList = args.map((value) => ({ type: 'RAW', value }))
  return { type: 'APPLY', path: [method], argumentList }
}

let nextId = 1

function replyTo(
  port: MessagePort,
  message: object,
  transfer: Transferable[] = [],
): Promise<unknown> {
  const id = `call ${nextId++}`
  return new Promise((resolve) => {
    const listen = ({ data }: MessageEvent) => {
      if ((data as { id: unknown }).id !== id) return
      port.removeEventListener('message', listen)
      resolve(data)
    }
    port.addEventListener('message', listen)
    port.start()
    port.postMessage({ id, ...message }, transfer)
  })
}

function hello() {
  return { protocolVersion: PROTOCOL_VERSION, sessionId: 'a tab', clientId: 'a tab' }
}

async function connectedPort(): Promise<MessagePort> {
  const port = servedPort()
  const { port2: pushes } = channel()
  expect(await replyTo(port, callOf('hello', hello(), pushes), [pushes])).toMatchObject({
    value: { ok: true },
  })
  return port
}

function servedPort(): MessagePort {
  const { port1, port2 } = channel()
  workerOf(broker, timer).serve(port2)
  return port1
}

function channel(): MessageChannel {
  const made = new MessageChannel()
  closing.push(made.port1, made.port2)
  return made
}

const sessions = async () => (await broker.describeCluster()).sessions.length
