/**
 * What happens to tabs and to the worker in a real browser: closed, crashed, killed, opened at the
 * same moment, put into the back/forward cache.
 */
import { expect, test, type Browser, type Page } from '@playwright/test'
import { UserBrowser } from './browser-driver.js'
import type { HandledBatch } from './pages/client.js'
import { expectShared, openTab } from './tabs.js'

const PARTITIONS = 6

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

test('a crashed tab’s partitions move to the others', async ({ context }) => {
  const [survivor, victim] = [await openTab(context, 'crash'), await openTab(context, 'crash')]
  await createTopic(survivor)
  await consume([survivor, victim])
  const debug = await context.newCDPSession(victim)
  const crashed = victim.waitForEvent('crash')
  void debug.send('Page.crash').catch(() => {})
  await crashed
  await expectShared([survivor], PARTITIONS)
})

for (const isLast of [false, true]) {
  const which = isLast ? 'the last connected tab' : 'a tab'
  test(`${which} closed in the middle of a batch commits what it handled`, async ({ context }) => {
    const closing = await openTab(context, 'closing')
    const other = await openTab(context, 'closing')
    const handled: number[] = []
    const record = ({ messages }: HandledBatch) => {
      handled.push(...messages.map(({ offset }) => offset))
    }
    for (const page of [closing, other]) await page.exposeFunction('recordHandled', record)
    await closing.evaluate(async () => {
      await tab.admin.createTopics({ topics: [{ topic: 'work' }] })
      await tab.send(
        'work',
        Array.from({ length: 300 }, (_, value) => ({ value })),
      )
      await tab.consume({ consumer: { groupId: 'g' }, topics: ['work'] })
    })
    // With the last tab the worker goes too, in the middle of what it is writing.
    if (!isLast) await other.evaluate(() => tab.mq.connect())
    await expect.poll(() => handled.length).toBeGreaterThan(20)
    await closing.close()
    await other.evaluate(() => tab.consume({ consumer: { groupId: 'g' }, topics: ['work'] }))
    await expect.poll(() => other.evaluate(() => tab.lag('g'))).toBe(0)
    expect(new Set(handled).size).toBe(300)
    // The one whose handler had not returned when the tab closed may come again, no other.
    expect(handled.length).toBeLessThanOrEqual(301)
  })
}

test('the next broker goes on where a killed worker stopped', async ({ context, browser }) => {
  const tabs = [await openTab(context, 'killed-worker'), await openTab(context, 'killed-worker')]
  const [first] = tabs as [Page]
  await createTopic(first)
  await consume(tabs)
  const before = await describeCluster(first)
  const sending = first.evaluate(async () => {
    for (let batch = 0; batch < 200; batch++) {
      const messages = Array.from({ length: 10 }, (_, i) => ({
        key: `${i}`,
        value: batch * 10 + i,
      }))
      await tab.send('work', messages)
    }
  })
  for (let kill = 0; kill < 3; kill++) {
    await expect.poll(() => handledCount(tabs)).toBeGreaterThan(400 * (kill + 1))
    const { incarnation } = await describeCluster(first)
    await killWorker(browser)
    await expect.poll(async () => (await describeCluster(first)).incarnation).not.toBe(incarnation)
  }
  await sending
  await expect.poll(() => first.evaluate(() => tab.lag('g'))).toBe(0)
  const after = await describeCluster(first)
  expect(after.brokerEpoch).toBe(before.brokerEpoch + 3)
  expect(after.sessions.length).toBe(2)

  const values = await Promise.all(tabs.map((page) => page.evaluate(() => tab.handled)))
  const log = await first.evaluate(() => tab.admin.fetchTopicOffsets('work'))
  expect(log.reduce((sum, { high }) => sum + high, 0)).toBe(2_000)
  expect(new Set(values.flat().map(({ value }) => value)).size).toBe(2_000)
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
  expect(await send()).toMatchObject({ code: 'UNKNOWN_TOPIC_OR_PARTITION' })
  await expect
    .poll(async () => (await describeCluster(second)).incarnation)
    .not.toBe(before.incarnation)
  await second.evaluate(() => tab.admin.createTopics({ topics: [{ topic: 'other' }] }))
  expect(await send()).toMatchObject({ code: 'UNKNOWN_TOPIC_OR_PARTITION' })
  expect(await second.evaluate(() => tab.admin.fetchTopicOffsets('other'))).toMatchObject([
    { low: 0, high: 0 },
  ])
})

test('a page in the back/forward cache leaves, and rejoins when it returns', async ({
  baseURL,
}) => {
  const browser = new UserBrowser(baseURL ?? '')
  try {
    await browser.start()
    const [stays, leaves] = [await browser.openTab('cache'), await browser.openTab('cache')]
    await createTopic(stays)
    await consume([stays, leaves])
    await leaves.evaluate(() => {
      Object.assign(globalThis, { wasHere: true })
    })
    await leaves.goto(`${baseURL}/test/browser/pages/empty.html`)
    await expectShared([stays], PARTITIONS)
    // Playwright's own goBack waits for a load event, which a page from the cache does not have.
    await leaves.evaluate(() => history.back())
    await leaves.waitForURL(/client\.html/, { waitUntil: 'commit' })
    expect(await leaves.evaluate(() => 'wasHere' in globalThis)).toBe(true)
    await expectShared([stays, leaves], PARTITIONS)
  } finally {
    await browser.close()
  }
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

async function createTopic(page: Page): Promise<void> {
  await page.evaluate(async (numPartitions) => {
    await tab.admin.createTopics({ topics: [{ topic: 'work', numPartitions }] })
  }, PARTITIONS)
}

async function consume(tabs: readonly Page[]): Promise<void> {
  for (const page of tabs) {
    await page.evaluate(() => tab.consume({ consumer: { groupId: 'g' }, topics: ['work'] }))
  }
  await expectShared(tabs, PARTITIONS)
}

function describeCluster(page: Page) {
  return page.evaluate(() => tab.admin.describeCluster())
}

async function handledCount(tabs: readonly Page[]): Promise<number> {
  const counts = await Promise.all(tabs.map((page) => page.evaluate(() => tab.handled.length)))
  return counts.reduce((sum, count) => sum + count, 0)
}

async function killWorker(browser: Browser): Promise<void> {
  const debug = await browser.newBrowserCDPSession()
  const { targetInfos } = await debug.send('Target.getTargets')
  const worker = targetInfos.find(({ type }) => type === 'shared_worker')
  if (worker === undefined) throw new Error('no worker is running')
  await debug.send('Target.closeTarget', { targetId: worker.targetId })
  await debug.detach()
}
