/** How tabs find a broker, lose its data, and are told when there can be none. */
import { expect, test, type Page } from '@playwright/test'
import { openTab } from './tabs.js'
import { createTopic } from './workload.js'

test('two tabs opened at the same moment share one broker', async ({ context }) => {
  const tabs = await Promise.all([openTab(context, 'moment'), openTab(context, 'moment')])
  const described = await Promise.all(
    tabs.map((page) => page.evaluate(() => tab.admin.describeCluster())),
  )
  expect(described[0]?.incarnation).toBe(described[1]?.incarnation)
  await expect
    .poll(() => tabs[0]?.evaluate(async () => (await tab.admin.describeCluster()).sessions.length))
    .toBe(2)
})

test('a broker whose data the user clears ends, and the next begins with nothing', async ({
  context,
  baseURL,
}) => {
  const tabs = [await openTab(context, 'cleared'), await openTab(context, 'cleared')] as const
  const [first, second] = tabs
  const send = () => first.evaluate(() => tab.errorOf(() => tab.send('work', [{ value: 1 }])))
  await createTopic(first)
  expect(await send()).toMatchObject({ code: 'none' })
  const before = await describeCluster(first)
  const debug = await context.newCDPSession(first)
  const origin = new URL(baseURL ?? first.url()).origin
  await debug.send('Storage.clearDataForOrigin', { origin, storageTypes: 'indexeddb' })
  // Sent before the tab has heard of it, or after.
  expect(['STORAGE_LOST', 'UNKNOWN_TOPIC_OR_PARTITION']).toContain((await send()).code)
  await expect
    .poll(async () => (await describeCluster(second)).incarnation)
    .not.toBe(before.incarnation)
  await second.evaluate(() => tab.admin.createTopics({ topics: [{ topic: 'other' }] }))
  expect(await send()).toMatchObject({ code: 'UNKNOWN_TOPIC_OR_PARTITION' })
  expect(await second.evaluate(() => tab.admin.fetchTopicOffsets('other'))).toMatchObject([
    { low: 0, high: 0 },
  ])
})

test('clients that are closed leave nothing behind but what Chromium keeps of each worker', async ({
  context,
}) => {
  const CLIENTS = 20
  const page = await openTab(context, 'clients')
  const debug = await context.newCDPSession(page)
  const openAndClose = (count: number) =>
    page.evaluate(async (times) => {
      for (let left = times; left > 0; left--) {
        const mq = new tab.Tabmq({ name: 'clients' })
        const consumer = mq.consumer({ groupId: crypto.randomUUID() })
        await consumer.subscribe({ topics: ['work'], fromBeginning: true })
        await new Promise<void>((resolve, reject) => {
          const eachMessage = ({ message }: { message: { value: unknown } }) => {
            if (message.value === 99) resolve()
          }
          consumer.run({ eachMessage }).catch(reject)
        })
        await mq.close()
      }
    }, count)
  const listeners = async () => {
    await debug.send('HeapProfiler.collectGarbage')
    return (await debug.send('Memory.getDOMCounters')).jsEventListeners
  }
  await createTopic(page)
  const messages = Array.from({ length: 100 }, (_, value) => ({ value, partition: 0 }))
  await page.evaluate((all) => tab.send('work', all), messages)
  await openAndClose(2)
  const before = await listeners()
  await openAndClose(CLIENTS)
  // A SharedWorker stays for as long as its page, and its port with it.
  await expect.poll(listeners).toBeLessThanOrEqual(before + CLIENTS + 2)
})

test('where no broker can be reached, the error says why', async ({ context }) => {
  const page = await openTab(context, 'errors')
  const codeAfter = async (prepare: () => void) => {
    await page.evaluate(prepare)
    return (await page.evaluate(() => tab.errorOf(() => new tab.Tabmq({ name: 'x' }).connect())))
      .code
  }
  const missing = await page.evaluate(() =>
    tab.errorOf(() =>
      new tab.Tabmq({ name: 'missing', worker: '/no-such-worker.js' }).connect({
        signal: AbortSignal.timeout(3_000),
      }),
    ),
  )
  expect(['ABORTED', 'BROKER_UNAVAILABLE']).toContain(missing.code)
  const blocked = () => {
    const refuse = () => {
      throw new DOMException('access is denied for this document', 'SecurityError')
    }
    globalThis.SharedWorker = new Proxy(SharedWorker, { construct: refuse })
  }
  expect(await codeAfter(blocked)).toBe('STORAGE_BLOCKED')
  const unsupported = () => void Reflect.deleteProperty(globalThis, 'SharedWorker')
  expect(await codeAfter(unsupported)).toBe('SHARED_WORKER_UNSUPPORTED')
  const insecure = () =>
    void Object.defineProperty(globalThis, 'isSecureContext', { value: false, configurable: true })
  expect(await codeAfter(insecure)).toBe('INSECURE_CONTEXT')
})

function describeCluster(page: Page) {
  return page.evaluate(() => tab.admin.describeCluster())
}
