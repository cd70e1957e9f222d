/**
 * A tab of an app under chaos: it asks the runner what it is, and from then on sends and handles by
 * itself. The runner calls what is put on `chaosTab` only to heal and to look.
 */
import { Tabmq } from '../../../src/index.js'
import { Prng } from '../../../src/std/prng.js'
import { COUNTS_GROUP, COUNTS_STORE, JOBS_STORE, REQUESTS_TOPIC, type Counted } from '../plan.js'
import { Calls, recordedError } from './calls.js'
import { ConsumerApp } from './consumer-app.js'
import { CountApp } from './count-app.js'
import { JobApp } from './job-app.js'
import { ProducerApp } from './producer-app.js'
import { RequestApp } from './request-app.js'
import { readLog, readOffsets } from './storage-reader.js'
import { tabId } from './tab-id.js'
import { sleep, type TabOrders, type TabParts } from './tab.js'
import { TabRecorder } from './tab-recorder.js'

const BROKER = 'chaos'
const DATABASE = `tabmq:${BROKER}`
const REQUEST_TIMEOUT_MS = 30_000
const RETRY_MS = 300
/** What one producer can send in its life. */
const IDS_PER_PRODUCER = 1_000_000

const orders = (await (await fetch(`/chaos/orders${location.search}`)).json()) as TabOrders
const recorder = new TabRecorder(orders.tab)
addEventListener('error', ({ error, message }) => {
  recorder.note({ type: 'uncaught', error: recordedError(error ?? message) })
})
addEventListener('unhandledrejection', ({ reason }) => {
  recorder.note({ type: 'uncaught', error: recordedError(reason) })
})

const mq = new Tabmq({
  name: BROKER,
  clientId: orders.tab,
  worker: () =>
    new SharedWorker(new URL('./worker.js', import.meta.url), { type: 'module', name: BROKER }),
})
mq.on('storageLost', ({ error }) => {
  recorder.note({ type: 'uncaught', error: recordedError(error) })
})
const calls = new Calls(recorder, orders.plant)
const traffic = { isOn: orders.isTrafficOn }
const prng = new Prng(orders.seed)
const parts: TabParts = { mq, orders, recorder, calls, prng, traffic }

const producers = orders.slot.producers.map(
  (plan, index) =>
    new ProducerApp(parts, {
      name: `${orders.tab}-p${index}`,
      plan,
      firstId: orders.firstId + index * IDS_PER_PRODUCER,
    }),
)
const consumers: ConsumerApp[] = []
const jobs = new JobApp(parts)
const counts = new CountApp(parts)
const requests = new RequestApp(parts, {
  firstId: orders.firstId + producers.length * IDS_PER_PRODUCER,
})

async function start(): Promise<void> {
  const [producer] = producers
  if (producer === undefined) throw new Error('every slot sends something')
  await createTopics()
  for (const app of producers) void app.run()
  for (const app of [jobs, counts, requests]) void app.live()
  const ownId = await tabId()
  for (const index of orders.slot.groups) {
    const group = orders.plan.groups[index]
    if (group === undefined) throw new Error(`there is no group ${index}`)
    const name = `${orders.tab}-${group.groupId}`
    const groupInstanceId = group.isStatic ? ownId : undefined
    const app = new ConsumerApp(parts, { name, group, groupInstanceId, producer })
    consumers.push(app)
    void app.live()
  }
}

/** Every tab of an app makes what it needs, and finds that it is there. */
async function createTopics(): Promise<void> {
  const all = [...orders.plan.topics, { topic: REQUESTS_TOPIC, numPartitions: 2 }]
  const topics = all.map((one) => ({ ...one, config: { retentionMs: null } }))
  for (;;) {
    const outcome = await calls.make('createTopics', REQUEST_TIMEOUT_MS, () =>
      mq.admin().createTopics({ topics, ifNotExists: true }),
    )
    if (outcome.ok) return
    await sleep(RETRY_MS)
  }
}

const chaosTab = {
  name: orders.tab,

  readOffsets: () => readOffsets(DATABASE),
  readLog: () => readLog(DATABASE),

  /** Nothing more is sent, handlers fail no more, everything is read. */
  async behave(): Promise<void> {
    traffic.isOn = false
    await Promise.all(consumers.map((app) => app.behave()))
  },

  /** What is under way here, and what its consumers hold. */
  state() {
    return {
      pending: calls.pending,
      consumers: consumers.map(({ reader, consumer }) => ({
        ...reader,
        assignment: consumer.assignment(),
      })),
    }
  },

  async describeGroups() {
    const groupIds = [...orders.plan.groups.map(({ groupId }) => groupId), COUNTS_GROUP]
    const outcome = await calls.make('describeGroups', REQUEST_TIMEOUT_MS, () =>
      mq.admin().describeGroups(groupIds),
    )
    return outcome.ok ? outcome.value : recordedError(outcome.error).message
  },

  async describeShareGroups() {
    const outcome = await calls.make('describeShareGroups', REQUEST_TIMEOUT_MS, () =>
      mq.admin().describeShareGroups(),
    )
    return outcome.ok ? outcome.value : recordedError(outcome.error).message
  },

  /** Asks once; undefined when that was answered. */
  async ask(): Promise<string | undefined> {
    const outcome = await requests.ask()
    return outcome.ok ? undefined : recordedError(outcome.error).message
  },

  async readStores() {
    const entries = await mq.store(COUNTS_STORE).entries()
    const done = await mq.store(JOBS_STORE).entries()
    return {
      counts: entries.map(([place, counted]) => [place, counted as Counted] as const),
      done: done.map(([key]) => key),
    }
  },

  /** Reads a partition as any app could: from its beginning, through the broker. */
  async readThroughBroker(topic: string, partition: number): Promise<number[]> {
    const ends = await mq.admin().fetchTopicOffsets(topic)
    const end = ends.find((one) => one.partition === partition)?.high ?? 0
    const ids: number[] = []
    const consumer = mq.consumer({ autoOffsetReset: 'earliest', maxWaitMs: 200 })
    await consumer.assign([{ topic, partition }])
    if (end > 0) {
      for await (const { message } of consumer.messages()) {
        ids.push((message.value as { id: number }).id)
        if (message.offset >= end - 1) break
      }
    }
    await consumer.disconnect()
    return ids
  },

  /** Closes all consumers, and resolves when every one has. */
  async close(): Promise<void> {
    await Promise.all([jobs, counts, requests, ...consumers].map((app) => app.close()))
  },

  /** Everything that was noted is with the runner when this resolves. */
  flush: () => recorder.flush(),
}

export type ChaosTab = typeof chaosTab
declare global {
  var chaosTab: ChaosTab
}
globalThis.chaosTab = chaosTab
await start()
