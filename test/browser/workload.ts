/**
 * What the lifecycle tests do to a broker, and what they hold it to: messages with keys in one topic,
 * a group that handles them, and a record of all that was handled and committed, kept here, where no
 * fault in the browser reaches it.
 */
import { expect, type BrowserContext, type Page } from '@playwright/test'
import type { Recorded } from './pages/client.js'
import { openTab } from './tabs.js'

export const TOPIC = 'work'
export const GROUP = 'workers'
export const PARTITIONS = 6
const KEYS = 24

/** What tabs said, in the order in which it was heard. */
export class History {
  /** How often anything was handled; `again` of these had been handled before. */
  handled = 0
  again = 0
  /** How many of the sends of `sendEach` have ended. */
  settled = 0
  readonly #violations: string[] = []
  readonly #partitions = new Map<number, PartitionHistory>()
  readonly #byTab = new Map<string, number>()

  /** Listens to a tab, whatever pages it shows. */
  async follow(page: Page, tabName: string): Promise<void> {
    const debug = await page.context().newCDPSession(page)
    debug.on('Runtime.bindingCalled', ({ name, payload }) => {
      if (name === 'recordNow') this.#record(tabName, JSON.parse(payload) as Recorded)
    })
    await debug.send('Runtime.enable')
    await debug.send('Runtime.addBinding', { name: 'recordNow' })
  }

  handledBy(tabName: string): number {
    return this.#byTab.get(tabName) ?? 0
  }

  /**
   * That every message was handled, in the order of its partition, and nothing of what had been
   * committed came again: at-least-once allows for no other repetition.
   */
  async expectComplete(page: Page, sent: number): Promise<void> {
    await expect.poll(() => page.evaluate((group) => tab.lag(group), GROUP)).toBe(0)
    const log = await page.evaluate((topic) => tab.admin.fetchTopicOffsets(topic), TOPIC)
    expect(log.reduce((sum, { high }) => sum + high, 0)).toBe(sent)
    for (const { partition, high } of log) expect(this.#partition(partition).next).toBe(high)
    expect(this.handled - this.again).toBe(sent)
    expect(this.#violations).toEqual([])
  }

  /** What was handled and is not committed: it may be handled again, and nothing else may. */
  uncommitted(committed: ReadonlyMap<number, number>): number {
    const partitions = [...this.#partitions]
    return partitions.reduce((sum, [partition, { next }]) => {
      return sum + next - (committed.get(partition) ?? 0)
    }, 0)
  }

  #record(tabName: string, recorded: Recorded): void {
    if (recorded.type === 'settled') {
      this.settled += 1
      return
    }
    // Of jobs, which are counted elsewhere.
    if ('id' in recorded) return
    const { type, partition, offset } = recorded
    const known = this.#partition(partition)
    const which = `${offset} of partition ${partition}`
    if (type === 'committed') {
      known.committed = Math.max(known.committed, offset)
    } else if (type === 'started') {
      // A handler that ends late, when another has committed its message, has begun before.
      if (offset >= known.committed) return
      this.#violations.push(`${tabName} began ${which}, which is committed to ${known.committed}`)
    } else {
      if (offset > known.next) {
        this.#violations.push(`${tabName} handled ${which} before ${known.next}`)
      }
      if (offset < known.next) this.again += 1
      known.next = Math.max(known.next, offset + 1)
      this.handled += 1
      this.#byTab.set(tabName, this.handledBy(tabName) + 1)
    }
  }

  #partition(partition: number): PartitionHistory {
    const known = this.#partitions.get(partition) ?? { next: 0, committed: 0 }
    this.#partitions.set(partition, known)
    return known
  }
}

interface PartitionHistory {
  /** One above the highest offset that was handled. */
  next: number
  /** What a broker has acknowledged. */
  committed: number
}

export async function createTopic(page: Page, numPartitions: number = PARTITIONS): Promise<void> {
  await page.evaluate(
    async (topic) => {
      await tab.admin.createTopics({ topics: [topic] })
    },
    { topic: TOPIC, numPartitions },
  )
}

/** Sends so many messages, spread evenly; resolves when all of them are acknowledged. */
export async function send(page: Page, count: number): Promise<void> {
  await page.evaluate(
    ({ topic, total, keys }) => {
      const message = (_: unknown, value: number) => ({ key: `${value % keys}`, value })
      return tab.send(topic, Array.from({ length: total }, message))
    },
    { topic: TOPIC, total: count, keys: KEYS },
  )
}

export interface MemberOptions {
  readonly groupInstanceId?: string
  readonly sessionTimeoutMs?: number
  /** How long a handler takes. */
  readonly handlerMs?: number
}

/** Two tabs of one broker, followed, and a topic for them. */
export async function openTwo(context: BrowserContext, broker: string) {
  const history = new History()
  const one = await openTab(context, broker)
  const other = await openTab(context, broker)
  await history.follow(one, 'one')
  await history.follow(other, 'other')
  await createTopic(one)
  return { history, one, other }
}

/** Joins the group; resolves with the first assignment. */
export async function consume(
  page: Page,
  { handlerMs, ...member }: MemberOptions = {},
): Promise<void> {
  const options = {
    topics: [TOPIC],
    consumer: { groupId: GROUP, ...member },
    ...(handlerMs === undefined ? {} : { handlerMs }),
  }
  await page.evaluate((consumeOptions) => tab.consume(consumeOptions), options)
}

/** A tab is to handle so many more messages, and to begin with one that it does not end. */
export async function holdAfter(page: Page, count: number): Promise<void> {
  await page.evaluate((some) => tab.holdAfter(some), count)
}

export async function untilHeld(page: Page): Promise<void> {
  await expect.poll(() => page.evaluate(() => tab.waiting())).toBe(1)
}

/** The partitions that a tab says that it holds. */
export async function heldBy(page: Page): Promise<number[]> {
  const held = await page.evaluate(() => tab.assignment())
  return held.map(({ partition }) => partition).toSorted((a, b) => a - b)
}

/** The group as the broker sees it. */
export async function describeGroup(page: Page) {
  const [group] = await page.evaluate((groupId) => tab.admin.describeGroups([groupId]), GROUP)
  if (group === undefined) throw new Error('the group is not there')
  return group
}

/** What of these partitions, or of all, is not committed. */
export async function lagOf(page: Page, partitions?: readonly number[]): Promise<number> {
  const { offsets } = await describeGroup(page)
  return offsets
    .filter(({ partition }) => partitions === undefined || partitions.includes(partition))
    .reduce((sum, { lag }) => sum + lag, 0)
}

export async function committedOffsets(page: Page): Promise<Map<number, number>> {
  const topics = await page.evaluate((groupId) => tab.admin.fetchOffsets({ groupId }), GROUP)
  const partitions = topics.flatMap((topic) => topic.partitions)
  return new Map(partitions.map(({ partition, offset }) => [partition, offset ?? 0]))
}

/** The consumer's events of this type, in this page. */
export function eventCount(page: Page, type: string): Promise<number> {
  return page.evaluate((wanted) => tab.events.filter((one) => one.type === wanted).length, type)
}
