/** A broker whose database the user deletes: it ends, and what it knew is of no use to the next. */
import 'fake-indexeddb/auto'
import { deleteDB } from 'idb'
import { beforeEach, expect, it, vi } from 'vitest'
import { Broker } from '../../src/broker/runtime/broker.js'
import type { PartitionId, SessionId, TopicName } from '../../src/protocol/names.js'
import { databaseNameOf } from '../../worker/indexeddb-schema.js'
import { IndexedDbStorage } from '../../worker/indexeddb-storage.js'
import { clock, random, timer } from '../../worker/worker-host.js'
import { Tab } from '../broker/broker-context.js'

let name = ''
let databases = 0

beforeEach(() => {
  name = `deleted-${databases++}`
})

it('ends with its next write', async () => {
  const { tab, id, onEnded, logged } = await started(1)
  await deleteDB(databaseNameOf(name))
  await expect(tab.append(id)).rejects.toMatchObject({ code: 'STORAGE_LOST' })
  await vi.waitFor(() => expect(onEnded).toHaveBeenCalledOnce())
  expect(logged).toContain('the broker ends: its state cannot be loaded again')
})

it('ends with its next read', async () => {
  const { tab, id, onEnded } = await started(1, { tailBytes: 0 })
  await tab.append(id)
  await deleteDB(databaseNameOf(name))
  await expect(tab.read(id, 0)).rejects.toMatchObject({ code: 'STORAGE_LOST' })
  await vi.waitFor(() => expect(onEnded).toHaveBeenCalledOnce())
})

it('leaves ids behind that mean nothing to the next', async () => {
  const before = await started(1)
  await deleteDB(databaseNameOf(name))
  await before.tab.append(before.id).catch(() => {})
  await vi.waitFor(() => expect(before.onEnded).toHaveBeenCalledOnce())
  const after = await started(2 ** 20 + 1)
  await expect(after.tab.append(before.id)).rejects.toMatchObject({
    code: 'UNKNOWN_TOPIC_OR_PARTITION',
  })
  await after.tab.append(after.id)
  await after.broker.close()
})

/** A broker as worker/index.ts has it, and a topic of one partition. */
async function started(firstPartitionId: number, limits = {}) {
  const running: { broker?: Broker } = {}
  const onLost = (error: unknown) => running.broker?.storageLost(error)
  const storage = await IndexedDbStorage.open({ name, firstPartitionId, onLost })
  const logged: string[] = []
  const log = (message: string) => logged.push(message)
  const logger = { warn: log, error: log }
  const onEnded = vi.fn<() => void>()
  const broker = await Broker.start({ storage, clock, timer, random, logger, limits, onEnded })
  running.broker = broker
  const tab = new Tab(broker, 'tab' as SessionId)
  tab.hello()
  const topic = 'orders' as TopicName
  const topics = [{ topic, numPartitions: 1, config: {} }]
  await tab.call({ api: 'createTopics', topics, ifNotExists: false, validateOnly: false })
  const { topics: made } = await tab.call({ api: 'metadata', topics: [topic] })
  const id = made[0]?.partitionIds[0] ?? (0 as PartitionId)
  return { broker, tab, id, onEnded, logged }
}
