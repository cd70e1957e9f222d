/**
 * The promise of the whole: three tabs share a real data set, one is closed in the middle, then the
 * browser is killed and started again on the same profile.
 */
import { readFileSync } from 'node:fs'
import { expect, test, type Page } from '@playwright/test'
import Papa from 'papaparse'
import { UserBrowser } from './browser-driver.js'
import type { HandledBatch } from './pages/client.js'
import { expectShared } from './tabs.js'

const TOPIC = 'birdstrikes'
const PARTITIONS = 6
const SEND = 250

interface Row {
  readonly id: number
  readonly airport: string
}

test('every message is handled, in order, over a closed tab and a killed browser', async ({
  baseURL,
}) => {
  const rows = readRows()
  const browser = new UserBrowser(baseURL ?? '')
  const history = new History()
  try {
    await browser.start()
    const before = await openTabs(browser, 3, history)
    const [first, , third] = before as [Page, Page, Page]
    await sendAll(first, rows)
    // Small fetches and slow handlers, so that there is a middle in which to close and to kill.
    const consumer = { groupId: 'workers', maxBytesPerPartition: 1_000 }
    const consume = { consumer, topics: [TOPIC], handlerMs: 60 }
    for (const page of before)
      await page.evaluate((options) => tab.consumeRecorded(options), consume)
    await expectShared(before, PARTITIONS)

    await expect.poll(() => history.handled).toBeGreaterThan(rows.length / 5)
    await third.close()
    await expectShared(before.slice(0, 2), PARTITIONS)
    await expect.poll(() => history.handled).toBeGreaterThan(rows.length / 2)
    await browser.kill()
    const handledBeforeKill = history.handled
    expect(handledBeforeKill).toBeLessThan(rows.length)

    await browser.start()
    const after = await openTabs(browser, 2, history)
    const [one] = after as [Page]
    const committed = await one.evaluate(async () => {
      const [topic] = await tab.admin.fetchOffsets({ groupId: 'workers' })
      return topic?.partitions.map(({ offset }) => offset ?? 0) ?? []
    })
    history.committed(committed)
    for (const page of after)
      await page.evaluate((options) => tab.consumeRecorded(options), consume)
    await expect.poll(() => one.evaluate(() => tab.lag('workers')), { timeout: 30_000 }).toBe(0)

    expect(history.idsInOrder()).toEqual(rows.map(({ id }) => id))
    expect(history.outOfOrder).toBe(0)
    expect(history.handledAfterCommit).toBe(0)
    const again = history.handled - rows.length
    console.log(
      `${rows.length} messages: ${handledBeforeKill} handled before the kill, ` +
        `${committed.reduce((sum, offset) => sum + offset, 0)} of them committed, ${again} handled again`,
    )
  } finally {
    await browser.close()
  }
})

/** What the tabs said that they handled, in the order in which they said it. */
class History {
  readonly #next = new Map<number, number>()
  readonly #ids = new Set<number>()
  #committed: readonly number[] = []
  handled = 0
  outOfOrder = 0
  handledAfterCommit = 0

  record({ partition, messages }: HandledBatch): void {
    for (const { offset, value } of messages) {
      const next = this.#next.get(partition) ?? 0
      if (offset > next) this.outOfOrder += 1
      if (offset < (this.#committed[partition] ?? 0)) this.handledAfterCommit += 1
      this.#next.set(partition, Math.max(next, offset + 1))
      this.#ids.add((value as Row).id)
      this.handled += 1
    }
  }

  /** What is committed when the browser is back: nothing of it may come again. */
  committed(offsets: readonly number[]): void {
    this.#committed = offsets
  }

  idsInOrder(): number[] {
    return [...this.#ids].toSorted((a, b) => a - b)
  }
}

async function openTabs(browser: UserBrowser, count: number, history: History): Promise<Page[]> {
  const pages: Page[] = []
  for (let index = 0; index < count; index++) {
    const page = await browser.openTab('killed')
    await page.exposeFunction('recordHandled', (batch: HandledBatch) => history.record(batch))
    pages.push(page)
  }
  return pages
}

async function sendAll(page: Page, rows: readonly Row[]): Promise<void> {
  await page.evaluate(
    async ({ topic, numPartitions }) => {
      await tab.admin.createTopics({ topics: [{ topic, numPartitions }] })
    },
    { topic: TOPIC, numPartitions: PARTITIONS },
  )
  for (let start = 0; start < rows.length; start += SEND) {
    const messages = rows.slice(start, start + SEND).map((value) => ({ key: value.airport, value }))
    await page.evaluate(({ topic, some }) => tab.send(topic, some), {
      topic: TOPIC,
      some: messages,
    })
  }
}

function readRows(): Row[] {
  const path = new URL('../../node_modules/vega-datasets/data/birdstrikes.csv', import.meta.url)
  const { data } = Papa.parse<Record<string, string>>(readFileSync(path, 'utf8'), { header: true })
  return data
    .filter((row) => row['Airport Name'] !== undefined)
    .map((row, id) => ({ ...row, id, airport: row['Airport Name'] ?? '' }))
}
