/**
 * A job queue over real tabs: ten thousand jobs of uneven length, and what happens to tabs and worker
 * while they are done.
 */
import { expect, test, type Page } from '@playwright/test'
import type { Job, Recorded } from './pages/client.js'
import { SpawnedBrowser } from './spawned-browser.js'
import { crash } from './tabs.js'
import { WorkerKiller } from './worker-killer.js'

const JOBS = 10_000
const POISON_EVERY = 500
const TRIES = 5
const TABS = 5
const CONCURRENCY = 8
const LOCK_MS = 2_000
const TOPIC = 'jobs'
const DEAD = 'jobs.dead'
/** Each takes from one delivery to the next what is in nobody's hands any more. */
const FAULTS = 4

let browser: SpawnedBrowser
test.beforeAll(async ({ baseURL }) => {
  browser = await SpawnedBrowser.start(baseURL ?? '')
})
test.afterAll(() => browser.close())

/** What tabs said, kept where no fault in the browser reaches it. */
class JobBook {
  readonly tries = new Map<number, number>()
  readonly accepts = new Map<number, number>()
  readonly done = new Set<number>()
  #onDone = () => {}

  async follow(page: Page): Promise<void> {
    await page.exposeFunction('recordDone', (ids: readonly number[]) => {
      for (const id of ids) this.done.add(id)
      this.#onDone()
    })
    const debug = await page.context().newCDPSession(page)
    debug.on('Runtime.bindingCalled', ({ name, payload }) => {
      if (name === 'recordNow') this.#record(JSON.parse(payload) as Recorded)
    })
    await debug.send('Runtime.enable')
    await debug.send('Runtime.addBinding', { name: 'recordNow' })
  }

  /** Resolves when so many jobs are done. */
  until(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#onDone = () => {
        if (this.done.size >= count) resolve()
      }
      this.#onDone()
    })
  }

  #record(recorded: Recorded): void {
    if (recorded.type !== 'tried' && recorded.type !== 'accepted') return
    const counts = recorded.type === 'tried' ? this.tries : this.accepts
    counts.set(recorded.id, (counts.get(recorded.id) ?? 0) + 1)
  }
}

test('ten thousand uneven jobs over five tabs, two crashed, one frozen, the worker killed', async () => {
  const jobs: Job[] = Array.from({ length: JOBS }, (_, id) => ({
    id,
    // Mostly short, some long: 4 ms on average.
    takesMs: id % 50 === 0 ? 60 : (id * 7) % 7,
    isPoison: id % POISON_EVERY === POISON_EVERY - 1,
  }))
  const good = jobs.filter(({ isPoison }) => !isPoison)
  const poison = jobs.filter(({ isPoison }) => isPoison)
  const book = new JobBook()

  const boss = await browser.openTab('queue')
  await boss.evaluate(
    async ({ topic, all }) => {
      await tab.admin.createTopics({ topics: [{ topic, numPartitions: 3 }] })
      await tab.send(
        topic,
        all.map((value) => ({ value })),
      )
    },
    { topic: TOPIC, all: jobs },
  )
  const tabs: Page[] = []
  for (let opened = 0; opened < TABS; opened++) {
    const page = await browser.openTab('queue')
    await book.follow(page)
    tabs.push(page)
  }
  const [first, second, frozen] = tabs as [Page, Page, Page]

  const startMs = Date.now()
  await Promise.all(
    tabs.map((page) =>
      page.evaluate(({ topic, ...options }) => tab.work([topic], options), {
        topic: TOPIC,
        groupId: 'workers',
        concurrency: CONCURRENCY,
        maxInFlight: 4 * CONCURRENCY,
        lockDurationMs: LOCK_MS,
        deliveryCountLimit: TRIES,
        deadLetterTopic: DEAD,
        retry: { initialDelayMs: 50, maxDelayMs: 200 },
      }),
    ),
  )
  test.setTimeout(120_000)
  await book.until(good.length * 0.2)
  await crash(first)
  await book.until(good.length * 0.35)
  await browser.freeze(frozen)
  await book.until(good.length * 0.5)
  const killer = await WorkerKiller.of(boss)
  await killer.kill()
  await book.until(good.length * 0.7)
  await crash(second)
  await book.until(good.length)
  const tookMs = Date.now() - startMs

  const workMs = jobs.reduce(
    (sum, { takesMs, isPoison }) => sum + takesMs * (isPoison ? TRIES : 1),
    0,
  )
  const atOnce = (TABS - 2) * CONCURRENCY
  const again = [...book.tries.values()].reduce((sum, tries) => sum + tries, 0) - book.tries.size
  console.log(
    `${JOBS} jobs in ${tookMs} ms; ${workMs} ms of work, at least ${Math.round(workMs / atOnce)} ms ` +
      `for the two to five tabs; ${again} tries more than jobs, ${poison.length * (TRIES - 1)} of them poison`,
  )

  const groupOf = () =>
    boss.evaluate(async () => (await tab.admin.describeShareGroups(['workers']))[0])
  const left = async () =>
    (await groupOf())?.partitions.reduce((sum, one) => sum + one.available + one.acquired, 0)
  await expect.poll(left, { timeout: 20_000 }).toBe(0)
  expect(book.done.size).toBe(good.length)
  expect(poison.filter(({ id }) => book.done.has(id) || book.accepts.has(id))).toEqual([])
  // That a job is accepted a tab may not live to hear, but no two do.
  expect([...book.accepts].filter(([, accepts]) => accepts > 1)).toEqual([])
  expect(book.accepts.size).toBeGreaterThan(good.length - FAULTS * TABS * CONCURRENCY)

  const letters = await boss.evaluate(async (topic) => {
    const [end] = await tab.admin.fetchTopicOffsets(topic)
    const reader = tab.mq.consumer()
    await reader.assign([{ topic, partition: 0 }])
    reader.seek({ topic, partition: 0, offset: 0 })
    const found: { value: unknown; count: unknown }[] = []
    for await (const { message } of reader.messages()) {
      found.push({ value: message.value, count: message.headers['dead-letter-delivery-count'] })
      if (message.offset + 1 >= (end?.high ?? 0)) break
    }
    return found
  }, DEAD)
  const byId = (a: { value: unknown }, b: { value: unknown }) =>
    (a.value as Job).id - (b.value as Job).id
  expect(letters.toSorted(byId)).toEqual(poison.map((value) => ({ value, count: String(TRIES) })))
  // A delivery that a fault took on its way was one, though no handler saw it.
  const untried = poison.map(({ id }) => TRIES - (book.tries.get(id) ?? 0))
  expect(Math.min(...untried)).toBeGreaterThanOrEqual(0)
  expect(untried.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(FAULTS)
})
