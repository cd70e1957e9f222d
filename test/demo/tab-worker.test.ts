/** A tab's worker between starting and stopping, on the broker in memory. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Leaving } from '../../demo/app/leaving.js'
import type { LedgerStore } from '../../demo/ledger/ledger-store.js'
import { GROUP, TOPIC } from '../../demo/names.js'
import { TabWorker, type GroupOptions } from '../../demo/worker/tab-worker.js'
import type { WorkTimer } from '../../demo/worker/work-timer.js'
import { memoryBroker } from '../../src/testing/index.js'

let broker: ReturnType<typeof memoryBroker>
let group: GroupOptions
let worker: TabWorker

beforeEach(async () => {
  broker = memoryBroker()
  const mq = broker.client({ clientId: 'tab-1' })
  await mq.admin().createTopics({ topics: [{ topic: TOPIC, numPartitions: 2 }] })
  group = { assignor: 'uniform', isStatic: false }
  worker = new TabWorker({
    mq,
    store: { append: () => Promise.resolve() } as unknown as LedgerStore,
    identity: { number: 1, run: 'run' },
    leaving: { hasBegun: false, onLeave: () => {} } as unknown as Leaving,
    epoch: () => 'epoch',
    hasGrown: () => false,
    workMs: () => 0,
    group: () => group,
    setAside: () => Promise.resolve(false),
    timer: {} as WorkTimer,
    onChange: () => {},
    onError: ({ error }) => {
      throw error
    },
    onRecovery: () => {},
  })
})
afterEach(() => broker.close())

async function members() {
  const admin = broker.client().admin()
  const isThere = (await admin.listGroups()).some(({ groupId }) => groupId === GROUP)
  return isThere ? ((await admin.describeGroups([GROUP]))[0]?.members ?? []) : []
}

async function untilItJoins(): Promise<void> {
  while (worker.status(0).state !== 'joining') await Promise.resolve()
}

it('is stopped when it is told so while it joins', async () => {
  const started = worker.start()
  await untilItJoins()
  await worker.stop()
  await started
  expect(worker.status(0)).toMatchObject({ state: 'stopped', isStarted: false })
  expect(await members()).toEqual([])
})

it('joins as what is wished for when it has joined', async () => {
  const started = worker.start()
  await untilItJoins()
  group = { assignor: 'uniform', isStatic: true }
  await worker.rejoin()
  await started
  expect(worker.status(0)).toMatchObject({ state: 'idle', isStarted: true })
  expect(await members()).toMatchObject([{ groupInstanceId: 'tab-1' }])
})

it('starts again when it is told so while it stops', async () => {
  await worker.start()
  const stopped = worker.stop()
  await worker.start()
  await stopped
  expect(worker.status(0)).toMatchObject({ state: 'idle', isStarted: true })
  expect(await members()).toHaveLength(1)
})
