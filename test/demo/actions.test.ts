/** What the stage's buttons do when they are pressed again too soon, on a real broker without a page. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Actions } from '../../demo/app/actions.js'
import type { Demo } from '../../demo/app/demo.js'
import { Messages } from '../../demo/app/messages.js'
import { Topic } from '../../demo/app/topic.js'
import { TopicNews } from '../../demo/app/topic-news.js'
import { UnderWay, type Doing } from '../../demo/app/under-way.js'
import { SAMPLE } from '../../demo/datasets/data-sets.js'
import type { LedgerStore } from '../../demo/ledger/ledger-store.js'
import { GROUP, PARTITIONS, TOPIC } from '../../demo/names.js'
import type { Consumer } from '../../src/index.js'
import { memoryBroker } from '../../src/testing/index.js'

class SilentChannel {
  postMessage(): void {}
}

let page: EventTarget

beforeEach(() => {
  page = new EventTarget()
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page))
  vi.stubGlobal('BroadcastChannel', SilentChannel)
})
afterEach(() => {
  vi.unstubAllGlobals()
})

/** As much of a demo as its actions need: one tab, whose worker is in the group. */
async function stage() {
  const broker = memoryBroker()
  const client = broker.client({ clientId: 'tab-1' })
  const admin = client.admin()
  const written: { kind: string }[] = []
  const store = {
    append: async (row: { kind: string }) => void written.push(row),
    keepOnly: async () => {},
  }
  const topic = new Topic({ admin, store: store as unknown as LedgerStore, tab: 1 })
  await topic.ensure()
  const news = new TopicNews()
  news.update((await admin.fetchTopicMetadata({ topics: [TOPIC] })).topics[0]?.topicId)
  let consumer: Consumer | undefined
  let change = Promise.resolve()
  const worker = {
    status: () => ({ isStarted: consumer !== undefined }),
    start: () => {
      const joining = client.consumer({ groupId: GROUP })
      consumer = joining
      change = change.then(async () => {
        await joining.subscribe({ topics: [TOPIC], fromBeginning: true })
        await joining.run({ eachMessage: () => {} })
      })
      return change
    },
    stop: () => {
      const joined = consumer
      consumer = undefined
      change = change.then(() => joined?.disconnect())
      return change
    },
  }
  await worker.start()
  const messages = new Messages(() => false)
  const demo = {
    admin,
    messages,
    news,
    topic,
    worker,
    underWay: new UnderWay(),
    files: { send: async () => {} },
  }
  return {
    demo,
    written,
    actions: new Actions(demo as unknown as Demo),
    texts: () => messages.shown.value.map(({ text }) => text),
    close: async () => {
      await worker.stop()
      await broker[Symbol.asyncDispose]()
    },
  }
}

test('a group is set back once by a button that is pressed twice', async () => {
  const { actions, demo, written, texts, close } = await stage()
  const doings: (readonly Doing[])[] = []
  demo.underWay.all.listen(() => doings.push([...demo.underWay.all.value]))
  await Promise.all([actions.reset('earliest'), actions.reset('earliest')])
  expect(texts()).toEqual([])
  expect(written.map(({ kind }) => kind)).toEqual(['replay'])
  // What its button shows meanwhile.
  expect(doings).toEqual([['reset'], []])
  await actions.reset('latest')
  expect(written).toHaveLength(2)
  await close()
})

test('a topic is cleared once by a button that is pressed twice', async () => {
  const { actions, texts, close } = await stage()
  await Promise.all([actions.clear(), actions.clear()])
  expect(texts()).toEqual([])
  await close()
})

test('partitions are added to those that there are, whatever the page shows by then', async () => {
  const { actions, demo, texts, close } = await stage()
  const count = async () => {
    const { topics } = await demo.admin.fetchTopicMetadata({ topics: [TOPIC] })
    return topics[0]?.partitions.length
  }
  await Promise.all([actions.addPartitions(), actions.addPartitions()])
  expect(texts()).toEqual([])
  expect(await count()).toBe(PARTITIONS + 2)
  await actions.addPartitions()
  expect(await count()).toBe(PARTITIONS + 4)
  expect(texts()).toEqual([])
  await close()
})

test('what has begun once fails once, and may be tried again', async () => {
  const underWay = new UnderWay()
  let tries = 0
  const fail = async () => {
    tries += 1
    throw new Error('no')
  }
  const first = underWay.once('redrive', fail)
  const second = underWay.once('redrive', fail)
  await expect(first).rejects.toThrow('no')
  await expect(second).rejects.toThrow('no')
  await expect(underWay.once('redrive', fail)).rejects.toThrow('no')
  expect(tries).toBe(2)
  expect(underWay.all.value.size).toBe(0)
})

test('that the page is offline is said no longer than it is', async () => {
  const { actions, demo, texts, close } = await stage()
  const navigator = { onLine: false }
  vi.stubGlobal('navigator', navigator)
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')))
  await actions.sendDataSet(SAMPLE)
  expect(texts()).toContain('You are offline: data sets have to be fetched.')
  page.dispatchEvent(new Event('online'))
  expect(texts().join()).not.toContain('You are offline')

  await actions.sendDataSet(SAMPLE)
  expect(texts()).toContain('You are offline: data sets have to be fetched.')
  vi.stubGlobal('fetch', () => Promise.resolve(new Response('a,b\n')))
  demo.files.send = async () => expect(texts()).toEqual([])
  await actions.sendDataSet(SAMPLE)
  expect(texts()).toEqual([])
  await close()
})

test('a tab that was asked to close and stays is said to', async () => {
  const messages = new Messages(() => false)
  const demo = {
    messages,
    underWay: new UnderWay(),
    topic: { onClearedElsewhere: () => {} },
    closeOneTab: () => 2,
    hasTab: () => false,
  }
  const actions = new Actions(demo as unknown as Demo)
  await actions.closeTab()
  expect(messages.shown.value).toEqual([])
  demo.hasTab = () => true
  vi.useFakeTimers()
  try {
    const closing = actions.closeTab()
    await vi.advanceTimersByTimeAsync(10_000)
    await closing
    expect(messages.shown.value).toMatchObject([
      { text: expect.stringContaining('Tab 2 has not closed') },
    ])
    demo.hasTab = () => false
    await vi.advanceTimersByTimeAsync(1_000)
    expect(messages.shown.value, 'it has closed in the end').toEqual([])
  } finally {
    vi.useRealTimers()
  }
})
