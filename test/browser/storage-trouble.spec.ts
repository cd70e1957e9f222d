/**
 * Trouble with the storage, as tabs meet it: a full disk, a database that is deleted while the broker
 * runs, the browser's storage process killed, a database of a newer version.
 */
import { execFileSync } from 'node:child_process'
import type { TabmqError } from '../../src/index.js'
import { expect, test, type CDPSession, type Page } from '@playwright/test'
import { UserBrowser } from './browser-driver.js'
import { openTab } from './tabs.js'

const CONSUME = { topics: ['orders'], consumer: { groupId: 'g' } }

test('on a full disk sends are refused, and everybody goes on; deletion makes room', async ({
  context,
  baseURL,
}) => {
  const page = await openTab(context, 'full-disk')
  const reader = await openTab(context, 'full-disk')
  // Before anything is written: Chromium remembers for half a minute how much space was left.
  const debug = await context.newCDPSession(page)
  await setQuota(debug, baseURL, 8_000_000)
  await page.evaluate(() => tab.admin.createTopics({ topics: [{ topic: 'orders' }] }))
  await reader.evaluate((options) => tab.consume(options), CONSUME)
  await page.evaluate(() => tab.send('orders', [{ value: 'first' }]))
  const sent = await page.evaluate(fillTheDisk)
  expect(sent.error).toEqual({ code: 'STORAGE_FULL', retriable: false, usage: 'number' })

  await expect.poll(() => reader.evaluate(() => tab.handled.length)).toBe(sent.count + 1)
  await expect.poll(() => page.evaluate(() => tab.lag('g'))).toBe(0)
  expect(await eventsOf(reader)).toEqual(['partitionsAssigned'])

  const sentAfter = await page.evaluate(async () => {
    await tab.admin.deleteTopicRecords({
      topic: 'orders',
      partitions: [
        { partition: 0, offset: (await tab.admin.fetchTopicOffsets('orders'))[0]?.high ?? 0 },
      ],
    })
    return tab.send('orders', [{ value: 'after' }])
  })
  expect(sentAfter).toMatchObject([{ baseOffset: sent.count + 1 }])
  await expect
    .poll(() => reader.evaluate(() => tab.handled.at(-1)))
    .toMatchObject({ offset: sent.count + 1, value: 'after' })
  expect(await eventsOf(reader)).toEqual(['partitionsAssigned'])
})

test('a database that is deleted is told to every tab, and all begin anew', async ({ context }) => {
  const page = await openTab(context, 'deleted')
  const reader = await openTab(context, 'deleted')
  for (const one of [page, reader]) await one.evaluate(noteLoss)
  await page.evaluate(() => tab.admin.createTopics({ topics: [{ topic: 'orders' }] }))
  await page.evaluate(() => tab.send('orders', [{ value: 1 }, { value: 2 }]))
  await reader.evaluate((options) => tab.consume(options), CONSUME)
  await expect.poll(() => reader.evaluate(() => tab.handled.length)).toBe(2)

  await page.evaluate(
    () =>
      new Promise((resolve, reject) => {
        const request = indexedDB.deleteDatabase('tabmq:deleted')
        request.addEventListener('success', resolve)
        request.addEventListener('error', reject)
      }),
  )
  for (const one of [page, reader]) {
    await expect.poll(() => one.evaluate(() => globalThis.losses)).toEqual(['STORAGE_LOST'])
  }
  await expect.poll(() => eventsOf(reader)).toContain('partitionsLost')
  expect(await page.evaluate(() => tab.errorOf(() => tab.send('orders', [{ value: 3 }])))).toEqual(
    expect.objectContaining({ code: 'UNKNOWN_TOPIC_OR_PARTITION' }),
  )
  await page.evaluate(() => tab.admin.createTopics({ topics: [{ topic: 'orders' }] }))
  await page.evaluate(() => tab.send('orders', [{ value: 'anew' }]))
  await expect
    .poll(() => reader.evaluate(() => tab.handled.slice(2)))
    .toMatchObject([{ offset: 0, value: 'anew' }])
  await expect.poll(() => page.evaluate(() => tab.lag('g'))).toBe(0)
})

test('the browser’s storage process may die: what was acknowledged is there, and sends go on', async ({
  baseURL,
}) => {
  const browser = new UserBrowser(baseURL ?? '')
  try {
    await browser.start()
    const page = await browser.openTab('storage-process')
    const reader = await browser.openTab('storage-process')
    await page.evaluate(() => tab.admin.createTopics({ topics: [{ topic: 'orders' }] }))
    await reader.evaluate((options) => tab.consume(options), CONSUME)
    let acknowledged = 0
    for (let round = 0; round < 3; round++) {
      const sends = page.evaluate(async () => {
        const values = Array.from({ length: 200 }, (_, value) => value)
        const outcomes = await Promise.allSettled(
          values.map((value) => tab.send('orders', [{ value }])),
        )
        return outcomes.map((one) =>
          one.status === 'fulfilled' ? 'done' : (one.reason as { code?: string }).code,
        )
      })
      await killStorageProcess(browser.profile)
      const outcomes = await sends
      const untyped = outcomes.filter((outcome) => outcome === undefined)
      expect(untyped).toEqual([])
      acknowledged += outcomes.filter((outcome) => outcome === 'done').length
      // Whatever became of those: this one is taken.
      expect(await page.evaluate(() => tab.send('orders', [{ value: 'last' }]))).toHaveLength(1)
      acknowledged += 1
    }
    await expect.poll(() => page.evaluate(() => tab.lag('g')), { timeout: 30_000 }).toBe(0)
    const handled = await reader.evaluate(
      () => new Set(tab.handled.map(({ offset }) => offset)).size,
    )
    expect(handled).toBeGreaterThanOrEqual(acknowledged)
    console.log(`${acknowledged} acknowledged over 3 kills, ${handled} handled`)
  } finally {
    await browser.close()
  }
})

test('a row that cannot be read stops its partition alone; a way out is to delete its records', async ({
  context,
}) => {
  const before = await openTab(context, 'corrupt')
  await before.evaluate(() =>
    tab.admin.createTopics({ topics: [{ topic: 'orders', numPartitions: 2 }] }),
  )
  for (const partition of [0, 1]) {
    // So large that it is a row by itself, and not one in the journal.
    await before.evaluate(
      (to) => tab.send('orders', [{ value: 'old'.repeat(3_000), partition: to }]),
      partition,
    )
  }
  await before.close()
  const other = await context.newPage()
  await other.goto('/test/browser/pages/empty.html')
  await other.evaluate(breakFirstRow)

  const page = await openTab(context, 'corrupt')
  await page.evaluate((options) => tab.consume(options), CONSUME)
  await expect.poll(() => page.evaluate(() => tab.handled.map((one) => one.partition))).toEqual([1])
  await expect.poll(() => eventsOf(page)).toContain('crash')
  const crash = await page.evaluate(() => tab.events.find(({ type }) => type === 'crash')?.detail)
  expect(crash).toMatchObject({ topic: 'orders', partition: 0, offset: 0, willRetry: false })
  const refused = await page.evaluate(() =>
    tab.errorOf(() => tab.send('orders', [{ value: 'new', partition: 0 }])),
  )
  expect(refused.code).toBe('CORRUPT_MESSAGE')
  const [sent] = await page.evaluate(async () => {
    const [ends] = await tab.admin.fetchTopicOffsets('orders')
    const partitions = [{ partition: 0, offset: ends?.high ?? 0 }]
    await tab.admin.deleteTopicRecords({ topic: 'orders', partitions })
    return tab.send('orders', [{ value: 'new', partition: 0 }])
  })
  const last = { partition: 0, offset: sent?.baseOffset, value: 'new' }
  await page.evaluate(
    (offset) => tab.seek({ topic: 'orders', partition: 0, offset }),
    last.offset ?? 0,
  )
  await expect.poll(() => page.evaluate(() => tab.handled.at(-1))).toMatchObject(last)
  expect((await eventsOf(page)).filter((type) => type === 'crash')).toHaveLength(1)
})

test('a database of a newer version is refused, finally and untouched', async ({ context }) => {
  const other = await context.newPage()
  await other.goto('/test/browser/pages/empty.html')
  const before = await other.evaluate(makeNewerDatabase)
  const page = await openTab(context, 'newer')
  const error = await page.evaluate(() => tab.errorOf(() => tab.mq.connect()))
  expect(error.code).toBe('STORAGE_VERSION_TOO_NEW')
  expect(error.message).toContain('newer tabmq')
  expect(await page.evaluate(() => tab.errorOf(() => tab.admin.listTopics()))).toMatchObject({
    code: 'STORAGE_VERSION_TOO_NEW',
  })
  expect(await page.evaluate(dumpDatabase)).toEqual(before)
})

async function setQuota(debug: CDPSession, baseURL: string | undefined, quotaSize: number) {
  const origin = new URL(baseURL ?? '').origin
  await debug.send('Storage.overrideQuotaForOrigin', { origin, quotaSize })
}

function eventsOf(page: Page): Promise<string[]> {
  return page.evaluate(() => tab.events.map(({ type }) => type))
}

/** In the page: noise, because browsers compress what they store. */
async function fillTheDisk() {
  let count = 0
  for (;;) {
    const values = Array.from({ length: 20 }, () => crypto.getRandomValues(new Uint8Array(1_000)))
    try {
      await tab.send(
        'orders',
        values.map((value) => ({ value })),
      )
      count += values.length
    } catch (error) {
      const { code, retriable, details } = error as TabmqError
      return { count, error: { code, retriable, usage: typeof details['usageBytes'] } }
    }
  }
}

function noteLoss(): void {
  globalThis.losses = []
  tab.mq.on('storageLost', ({ error }) => globalThis.losses.push(error.code))
}

/** As a crash of it would, as soon as there is one: after one was killed, the next may only be starting. */
async function killStorageProcess(profile: string): Promise<void> {
  let pids: number[] = []
  const look = () => (pids = storageProcesses(profile)).length
  await expect.poll(look, { intervals: [20] }).toBeGreaterThan(0)
  for (const pid of pids) process.kill(pid, 'SIGKILL')
}

/** What `ps` shows of this profile as the storage service. */
function storageProcesses(profile: string): number[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,args=', '-ww'], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
  const services = lines.filter(
    (words) =>
      words.includes(`--user-data-dir=${profile}`) &&
      words.includes('--utility-sub-type=storage.mojom.StorageService'),
  )
  return services.map(([pid]) => Number(pid))
}

/** In the page, once no broker has the database any more: one byte of a row is another. */
async function breakFirstRow(): Promise<void> {
  await navigator.locks.request('tabmq:corrupt:storage', () => {})
  const done = <T>(request: IDBRequest<T>) =>
    new Promise<T>((resolve, reject) => {
      request.addEventListener('success', () => resolve(request.result))
      request.addEventListener('error', () => reject(new Error('it cannot be changed')))
    })
  const database = await done(indexedDB.open('tabmq:corrupt'))
  const store = database.transaction('batches', 'readwrite').objectStore('batches')
  const [key] = await done(store.getAllKeys())
  const row = (await done(store.get(key ?? 0))) as ArrayBuffer
  new DataView(row).setUint8(0, 0xff)
  await done(store.put(row, key))
  database.close()
}

/** In the page: what a later tabmq may have left. */
async function makeNewerDatabase(): Promise<unknown> {
  const database = await new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open('tabmq:newer', 1_000)
    request.addEventListener('upgradeneeded', () => {
      for (const name of ['batches', 'meta', 'something else']) {
        request.result.createObjectStore(name).put({ of: name }, 'key')
      }
    })
    request.addEventListener('success', () => resolve(request.result))
    request.addEventListener('error', () => reject(new Error('it does not open')))
  })
  database.close()
  return [
    1_000,
    ['batches', [{ of: 'batches' }]],
    ['meta', [{ of: 'meta' }]],
    ['something else', [{ of: 'something else' }]],
  ]
}

/** In the page. */
async function dumpDatabase(): Promise<unknown> {
  const done = <T>(request: IDBRequest<T>) =>
    new Promise<T>((resolve, reject) => {
      request.addEventListener('success', () => resolve(request.result))
      request.addEventListener('error', () => reject(new Error('it cannot be read')))
    })
  const database = await done(indexedDB.open('tabmq:newer'))
  const stores = [...database.objectStoreNames]
  const rows = await Promise.all(
    stores.map(async (name) => [
      name,
      await done(database.transaction(name).objectStore(name).getAll()),
    ]),
  )
  const { version } = database
  database.close()
  return [version, ...rows]
}

declare global {
  var losses: string[]
}
