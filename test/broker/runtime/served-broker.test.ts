/** Several workers of one origin and one database: who leads, who hands over, who is deposed. */
import { describe, expect, it } from 'vitest'
import type { Storage } from '../../../src/broker/ports.js'
import { MemoryDatabase, MemoryStorage } from '../../../src/broker/runtime/memory-storage.js'
import { ServedBroker } from '../../../src/broker/runtime/served-broker.js'
import { TabmqError } from '../../../src/protocol/errors.js'
import { LEADERSHIP } from '../../../src/protocol/limits.js'
import { parseSessionId, parseTopicName } from '../../../src/protocol/names.js'
import { PROTOCOL_VERSION } from '../../../src/protocol/protocol-version.js'
import type { Push } from '../../../src/protocol/push.js'
import type { RequestOf } from '../../../src/protocol/requests/request.js'
import { deferred } from '../../../src/std/deferred.js'
import { ControlledStorage } from '../controlled-storage.js'
import { allDone, FakeTime } from '../fake-time.js'
import { watch } from '../outcome.js'
import { FakeOrigin } from './fake-origin.js'

const LOCK = 'tabmq:shop:storage'
const CHANNEL = 'tabmq:shop:leader'

interface WorkerOptions {
  readonly protocolVersion?: number
  readonly openStorage?: () => Promise<Storage>
}

class Machine {
  readonly origin = new FakeOrigin()
  readonly time = new FakeTime()
  readonly database = new MemoryDatabase()
  readonly storages: ControlledStorage[] = []
  #ids = 0

  worker(url: string, options: WorkerOptions = {}): ServedBroker {
    const { origin, time } = this
    const { protocolVersion = 1, openStorage = () => Promise.resolve(this.#openStorage()) } =
      options
    return new ServedBroker({
      brokerName: 'shop',
      protocolVersion,
      address: { url, name: 'tabmq:shop', type: 'module' },
      origin,
      clock: time,
      timer: time,
      random: { freshId: () => `id-${this.#ids++}` },
      logger: { warn: () => {}, error: () => {} },
      limits: () => ({}),
      openStorage,
    })
  }

  #openStorage(): Storage {
    const storage = new ControlledStorage(this.database)
    this.storages.push(storage)
    return storage
  }
}

/** A tab of a worker, with what it was told. */
async function connect(worker: ServedBroker, sessionId: string) {
  const served = await worker.start()
  if (served.type === 'elsewhere') throw new Error(`the broker is at ${served.address.url}`)
  const { broker } = served
  const pushes: Push['push'][] = []
  const hello = { protocolVersion: PROTOCOL_VERSION, sessionId, clientId: 'a tab' }
  broker.connect(hello, { push: ({ push }) => Promise.resolve(void pushes.push(push)) })
  const createTopic = (topic: string) => {
    const topics = [{ topic: parseTopicName(topic), numPartitions: 1, config: {} }]
    const flags = { ifNotExists: false, validateOnly: false }
    const request: RequestOf<'createTopics'> = { api: 'createTopics', topics, ...flags }
    return broker.handle(parseSessionId(sessionId), request)
  }
  return { broker, pushes, createTopic }
}

const topicsOf = (machine: Machine) => [...machine.database.topics.values()].map((row) => row.topic)

describe('a second worker of the same protocol', () => {
  it('sends its tabs to the first, and leads when that has gone', async () => {
    const machine = new Machine()
    const [first, second] = [machine.worker('/a.js'), machine.worker('/b.js')]
    const { pushes } = await connect(first, 'a tab')
    expect(await second.start()).toEqual({
      type: 'elsewhere',
      address: { url: '/a.js', name: 'tabmq:shop', type: 'module' },
    })
    expect(pushes).toEqual([])
    await first.end()
    expect(pushes).toEqual(['closed'])
    expect(await second.start()).toMatchObject({ type: 'here' })
    expect(machine.database.brokerEpoch).toBe(2)
  })

  it('waits for one that is just starting', async () => {
    const machine = new Machine()
    const [first, second] = [machine.worker('/a.js'), machine.worker('/b.js')]
    const [one, two] = [first.start(), second.start()]
    expect(await one).toMatchObject({ type: 'here' })
    await machine.time.advance(LEADERSHIP.askIntervalMs)
    expect(await two).toMatchObject({ type: 'elsewhere' })
  })

  it('leaves nothing behind: no lock, no channel, no timer', async () => {
    const machine = new Machine()
    const [first, second] = [machine.worker('/a.js'), machine.worker('/b.js')]
    await first.start()
    await second.start()
    await first.end()
    expect([machine.origin.isHeld(LOCK), machine.origin.listening]).toEqual([false, 0])
    expect(machine.time.pending).toBe(0)
  })
})

describe('a worker of a newer protocol', () => {
  it('gets the lead when what is being written is written, and all are told', async () => {
    const machine = new Machine()
    const older = machine.worker('/old.js')
    const newer = machine.worker('/new.js', { protocolVersion: 2 })
    const tab = await connect(older, 'an old tab')
    const [storage] = machine.storages
    storage?.hold()
    const creating = tab.createTopic('last')
    const starting = newer.start()
    await allDone()
    expect([tab.pushes, machine.origin.isHeld(LOCK)]).toEqual([[], true])
    storage?.release()
    expect(await starting).toMatchObject({ type: 'here' })
    expect(await creating).toMatchObject({ ok: true })
    expect(tab.pushes).toContain('closed')
    expect(topicsOf(machine)).toEqual(['last'])
    expect(await tab.createTopic('late')).toMatchObject({
      ok: false,
      error: { code: 'BROKER_UNAVAILABLE' },
    })
    await expect(older.start()).rejects.toMatchObject({
      code: 'BROKER_SUPERSEDED',
      details: { brokerVersion: 2, tabVersion: 1 },
    })
  })

  it('gives way to the older again when it is gone', async () => {
    const machine = new Machine()
    const older = machine.worker('/old.js')
    const newer = machine.worker('/new.js', { protocolVersion: 2 })
    await older.start()
    await newer.start()
    await newer.end()
    expect(await older.start()).toMatchObject({ type: 'here' })
  })

  it('gets the lead of one that was just starting', async () => {
    const machine = new Machine()
    const older = machine.worker('/old.js')
    const newer = machine.worker('/new.js', { protocolVersion: 2 })
    const opened = deferred<Storage>()
    const slow = machine.worker('/old.js', { openStorage: () => opened.promise })
    const [failing, starting] = [slow.start(), newer.start()]
    await allDone()
    opened.resolve(new MemoryStorage(machine.database))
    await expect(failing).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' })
    expect(await starting).toMatchObject({ type: 'here' })
    await expect(older.start()).rejects.toMatchObject({ code: 'BROKER_SUPERSEDED' })
  })
})

describe('a leader that hangs', () => {
  it('is deposed after a while, and can write no more when it wakes', async () => {
    const machine = new Machine()
    const [first, second] = [machine.worker('/a.js'), machine.worker('/b.js')]
    const tab = await connect(first, 'a tab')
    await tab.createTopic('before')
    const [storage] = machine.storages
    storage?.hold()
    const writing = tab.createTopic('meanwhile')
    await allDone()
    machine.origin.deafen()
    const starting = second.start()
    await machine.time.advance(LEADERSHIP.silenceMsMax - 1)
    expect(second.broker).toBeUndefined()
    await machine.time.advance(1)
    expect(await starting).toMatchObject({ type: 'here' })
    storage?.release()
    // Not final: the tab finds the broker at the other worker, which speaks its protocol.
    expect(await writing).toMatchObject({ ok: false, error: { code: 'BROKER_UNAVAILABLE' } })
    await allDone()
    expect(tab.pushes).toContain('closed')
    expect(topicsOf(machine)).toEqual(['before'])
    expect(await first.start()).toMatchObject({ type: 'elsewhere', address: { url: '/b.js' } })
  })

  it('while its storage opens does not take the database from the one that deposed it', async () => {
    const machine = new Machine()
    const opened = deferred<Storage>()
    const slow = machine.worker('/old.js', { openStorage: () => opened.promise })
    const newer = machine.worker('/new.js', { protocolVersion: 2 })
    const [failing, starting] = [watch(slow.start()), newer.start()]
    await machine.time.advance(LEADERSHIP.handOverMsMax)
    expect(await starting).toMatchObject({ type: 'here' })
    const tab = await connect(newer, 'a new tab')
    const storage = new MemoryStorage(machine.database)
    opened.resolve(storage)
    await allDone()
    expect(failing.outcome).toBe('BROKER_UNAVAILABLE')
    expect(machine.database.brokerEpoch).toBe(1)
    await expect(storage.load()).rejects.toThrow('closed')
    expect(await tab.createTopic('mine')).toMatchObject({ ok: true })
  })

  it('that has said that it hands over has longer, but not for ever', async () => {
    const machine = new Machine()
    const older = machine.worker('/old.js')
    const newer = machine.worker('/new.js', { protocolVersion: 2 })
    const tab = await connect(older, 'a tab')
    machine.storages[0]?.hold()
    const writing = tab.createTopic('endless')
    const starting = newer.start()
    await machine.time.advance(LEADERSHIP.handOverMsMax - 1)
    expect(newer.broker).toBeUndefined()
    await machine.time.advance(1)
    expect(await starting).toMatchObject({ type: 'here' })
    machine.storages[0]?.release()
    expect(await writing).toMatchObject({ ok: false })
    expect(topicsOf(machine)).toEqual([])
  })
})

describe('a leader that comes after one that was handing over', () => {
  it('has as long for it as the one before had', async () => {
    const machine = new Machine()
    const opened = deferred<Storage>()
    const [first, second, third] = [
      machine.worker('/1.js'),
      machine.worker('/2.js', { protocolVersion: 2, openStorage: () => opened.promise }),
      machine.worker('/3.js', { protocolVersion: 3 }),
    ]
    const tab = await connect(first, 'a tab')
    machine.storages[0]?.hold()
    const writing = tab.createTopic('slow')
    const overtaken = watch(second.start())
    await machine.time.advance(LEADERSHIP.askIntervalMs)
    const starting = third.start()
    await machine.time.advance(LEADERSHIP.handOverMsMax - 2 * LEADERSHIP.askIntervalMs)
    machine.storages[0]?.release()
    expect(await writing).toMatchObject({ ok: true })
    // The second leads now, and is asked to let go before its storage is open.
    await machine.time.advance(LEADERSHIP.handOverMsMax - 1)
    expect([third.broker, overtaken.outcome]).toEqual([undefined, undefined])
    opened.resolve(new MemoryStorage(machine.database))
    expect(await starting).toMatchObject({ type: 'here' })
    expect(overtaken.outcome).toBe('BROKER_UNAVAILABLE')
  })
})

describe('what goes wrong', () => {
  it('is tried again by the next tab: a storage that does not open', async () => {
    const machine = new Machine()
    const failure = new TabmqError('STORAGE_ERROR', 'no')
    let failures = 1
    const openStorage = () =>
      failures-- > 0 ? Promise.reject(failure) : Promise.resolve(new MemoryStorage())
    const worker = machine.worker('/a.js', { openStorage })
    await expect(worker.start()).rejects.toBe(failure)
    expect(machine.origin.isHeld(LOCK)).toBe(false)
    expect(await worker.start()).toMatchObject({ type: 'here' })
  })

  it('is told: locks that are not to be had', async () => {
    const machine = new Machine()
    machine.origin.refusal = new TabmqError('STORAGE_BLOCKED', 'no locks')
    await expect(machine.worker('/a.js').start()).rejects.toMatchObject({ code: 'STORAGE_BLOCKED' })
    expect(machine.time.pending).toBe(0)
  })

  it('changes nothing: whatever else is said on the channel', async () => {
    const machine = new Machine()
    const worker = machine.worker('/a.js')
    await worker.start()
    const nonsense = [
      null,
      7,
      'claim',
      {},
      { type: 'claim' },
      { type: 'claim', from: 'x', protocolVersion: '9' },
      { type: 'leading', to: 7, protocolVersion: 2, address: {} },
      { type: 'leading', to: 'id-0', protocolVersion: 9, address: { url: 1 } },
      { type: 'handingOver' },
    ]
    for (const message of nonsense) machine.origin.say(CHANNEL, message)
    await allDone()
    expect(await worker.start()).toMatchObject({ type: 'here' })
    expect(machine.database.brokerEpoch).toBe(1)
  })
})
