/**
 * The broker dies while tabs live: its worker is killed, once, again and again, while it starts, and
 * with the tab that had started it. Tabs notice, start the next, and go on.
 */
import { expect, test, type JSHandle, type Page } from '@playwright/test'
import type { Producer } from '../../src/index.js'
import type { BrokerTimes, Outcome } from './pages/client.js'
import { crash, expectShared, openTab, summary } from './tabs.js'
import {
  committedOffsets,
  consume,
  createTopic,
  describeGroup,
  eventCount,
  heldBy,
  holdAfter,
  History,
  openTwo,
  PARTITIONS,
  send,
  untilHeld,
  TOPIC,
} from './workload.js'
import { killWorker, WorkerKiller } from './worker-killer.js'

const MESSAGES = 240
/** How many messages a tab sends at once, while others are still under way. */
const BURST = 125
const SENDER_IDS = 100_000

test('tabs notice the death of the broker by its lock, and the next one answers', async ({
  context,
}) => {
  const rounds = 20
  const tabs = [
    await openTab(context, 'noticed'),
    await openTab(context, 'noticed'),
    await openTab(context, 'noticed'),
  ]
  const watches = await Promise.all(
    tabs.map((page) => page.evaluateHandle(() => tab.watchBroker())),
  )
  const times = () => Promise.all(watches.map((watch) => watch.jsonValue()))
  const killer = await WorkerKiller.of(tabs[0] as Page)
  const killedMs: number[] = []
  for (let round = 1; round <= rounds; round++) {
    killedMs.push(Date.now())
    await killer.kill()
    const isBack = ({ answeredMs }: BrokerTimes) => answeredMs.length === round + 1
    await expect.poll(async () => (await times()).every(isBack), { intervals: [20] }).toBe(true)
  }
  const all = await times()
  const sinceKill = (round: number, atMs: number | undefined) =>
    (atMs ?? Infinity) - (killedMs[round] ?? Infinity)
  const lost = all.flatMap(({ lostMs }) => lostMs.map((atMs, round) => sinceKill(round, atMs)))
  const answered = all.flatMap(({ answeredMs }) =>
    answeredMs.slice(1).map((atMs, round) => sinceKill(round, atMs)),
  )
  for (const { lostMs } of all) expect(lostMs).toHaveLength(rounds)
  const print = (what: string, { p50, worst }: ReturnType<typeof summary>) =>
    console.log(`${what} after the kill of the worker: p50 ${p50} ms, worst ${worst} ms`)
  print(`${rounds * tabs.length} tabs noticed`, summary(lost))
  print('the next broker had answered', summary(answered))
  expect(summary(lost).p50).toBeLessThan(100)
  expect(summary(answered).p50).toBeLessThan(2_000)
})

test('static members keep what they have when the broker dies, without a rebalance', async ({
  context,
}) => {
  const { history, one, other } = await openTwo(context, 'static')
  await consume(one, { groupInstanceId: 'one' })
  await consume(other, { groupInstanceId: 'other' })
  await expectShared([one, other], PARTITIONS)
  const held = [await heldBy(one), await heldBy(other)]
  const { groupEpoch } = await describeGroup(one)
  for (let kill = 1; kill <= 2; kill++) {
    await holdAfter(one, 20)
    await send(other, MESSAGES)
    await untilHeld(one)
    await killWorker(one)
    await untilNextBroker(one, kill)
    await one.evaluate(() => tab.letGo())
    await history.expectComplete(other, kill * MESSAGES)
  }
  expect([await heldBy(one), await heldBy(other)]).toEqual(held)
  expect(await describeGroup(one)).toMatchObject({ groupEpoch })
  expect(await eventCount(one, 'partitionsRevoked')).toBe(1)
  expect(await eventCount(other, 'partitionsRevoked')).toBe(0)
  expect(history.again).toBe(0)
})

test('dynamic members share anew when the broker dies, and go on where they were', async ({
  context,
}) => {
  const { history, one, other } = await openTwo(context, 'dynamic')
  await consume(one)
  await consume(other)
  await expectShared([one, other], PARTITIONS)
  await holdAfter(one, 20)
  await send(other, MESSAGES)
  await untilHeld(one)
  const uncommitted = history.uncommitted(await committedOffsets(other))
  const { groupEpoch } = await describeGroup(one)
  await killWorker(one)
  await untilNextBroker(one, 1)
  await expectShared([one, other], PARTITIONS)
  await one.evaluate(() => tab.letGo())
  await history.expectComplete(other, MESSAGES)
  expect((await describeGroup(one)).groupEpoch).toBeGreaterThan(groupEpoch)
  expect(history.again).toBeLessThanOrEqual(uncommitted + 1)
})

test('a thousand sends at once, the broker killed in the middle: each is in the log once', async ({
  context,
}) => {
  const { history, one, other } = await openTwo(context, 'thousand')
  const killer = await WorkerKiller.of(one)
  const senders = [await BurstSender.on(one, 0), await BurstSender.on(other, 1)]
  let issued = 0
  let kills = 0
  // A kill that comes when all of its burst is acknowledged does not count.
  while (kills < 4 && issued < 4_000) {
    const before = history.settled
    await Promise.all(senders.map((sender) => sender.sendBurst()))
    issued += senders.length * BURST
    await expect.poll(() => history.settled, { intervals: [1] }).toBeGreaterThan(before)
    await killer.kill()
    if (history.settled < issued) kills += 1
  }
  console.log(`${issued} sends over ${kills} brokers that were killed in the middle`)
  expect(kills).toBe(4)
  await expect.poll(() => history.settled).toBe(issued)

  const sent = (await Promise.all(senders.map((sender) => sender.outcomes()))).flat()
  expect(sent.filter(({ code }) => code !== 'none')).toEqual([])
  await consume(one)
  await history.expectComplete(one, issued)
  const log = await one.evaluate(() =>
    tab.handled.map(({ partition, offset, value }) => ({
      partition,
      offset,
      id: Number(Reflect.get(Object(value), 'id')),
    })),
  )
  // Each once, and where its send was told that it is; of each sender in the order of its sends.
  const byId = new Map(log.map((entry) => [entry.id, entry]))
  expect(byId.size).toBe(issued)
  for (const { id, partition, offset } of sent) {
    expect(byId.get(id)).toEqual({ id, partition, offset })
  }
  for (let partition = 0; partition < PARTITIONS; partition++) {
    for (const sender of senders) {
      const own = log.filter(({ id, ...at }) => at.partition === partition && sender.has(id))
      const ids = own.toSorted((a, b) => a.offset - b.offset).map(({ id }) => id)
      expect(ids).toEqual(ids.toSorted((a, b) => a - b))
    }
  }
})

test('without a broker sends wait for their delivery time, and none is lost silently', async ({
  context,
}) => {
  const page = await openTab(context, 'none')
  await createTopic(page)
  await send(page, 10)
  await forbidBroker(page)
  await killWorker(page)
  const sendTen = (first: number, deliveryTimeoutMs: number) =>
    page.evaluateHandle(
      ({ topic, from, options }) => {
        const messages = Array.from({ length: 10 }, (_, i) => ({ value: from + i }))
        return tab.sendEach(tab.mq.producer(options), topic, messages)
      },
      { topic: TOPIC, from: first, options: { deliveryTimeoutMs } },
    )
  const patient = await sendTen(100, 60_000)
  const hasty = await sendTen(200, 1_500)
  await expect.poll(() => hasty.evaluate(({ length }) => length)).toBe(10)
  const outcomes = await hasty.jsonValue()
  expect(new Set(outcomes.map(({ code }) => code))).toEqual(new Set(['DELIVERY_TIMED_OUT']))
  for (const { tookMs } of outcomes) expect(tookMs).toBeGreaterThanOrEqual(1_500)
  expect(await patient.jsonValue()).toEqual([])

  await allowBroker(page)
  await expect.poll(() => patient.evaluate(({ length }) => length)).toBe(10)
  expect(new Set((await patient.jsonValue()).map(({ code }) => code))).toEqual(new Set(['none']))
  const log = await page.evaluate((topic) => tab.admin.fetchTopicOffsets(topic), TOPIC)
  expect(log.reduce((sum, { high }) => sum + high, 0)).toBe(20)
})

test('the tab that started the worker crashes, and the others go on', async ({ context }) => {
  const history = new History()
  const starter = await openTab(context, 'starter')
  await createTopic(starter)
  const { incarnation } = await starter.evaluate(() => tab.admin.describeCluster())
  const others = [await openTab(context, 'starter'), await openTab(context, 'starter')] as const
  for (const [page, name] of [
    [starter, 'starter'],
    [others[0], 'one'],
    [others[1], 'other'],
  ] as const) {
    await history.follow(page, name)
    await consume(page)
  }
  await expectShared([starter, ...others], PARTITIONS)
  await holdAfter(starter, 20)
  await send(others[0], MESSAGES)
  await untilHeld(starter)
  await crash(starter)
  await expectShared(others, PARTITIONS)
  await send(others[0], MESSAGES)
  await history.expectComplete(others[1], 2 * MESSAGES)
  const after = await others[0].evaluate(() => tab.admin.describeCluster())
  expect(after.sessions).toHaveLength(2)
  const fate = after.incarnation === incarnation ? 'lived on' : 'died with it'
  console.log(`the worker ${fate} when the tab that had started it crashed`)
})

test('a broker killed while it starts, and killed twice in a row, is followed by another', async ({
  context,
}) => {
  const { history, one, other } = await openTwo(context, 'starting')
  await consume(one, { groupInstanceId: 'one' })
  await consume(other, { groupInstanceId: 'other' })
  await expectShared([one, other], PARTITIONS)
  const killer = await WorkerKiller.of(one)
  const durationsMs: number[] = []
  for (let round = 1; round <= 3; round++) {
    await send(one, MESSAGES)
    const startMs = Date.now()
    await killer.killAtBirth(round)
    await send(other, MESSAGES)
    durationsMs.push(Date.now() - startMs)
  }
  await history.expectComplete(other, 6 * MESSAGES)
  await expectShared([one, other], PARTITIONS)
  console.log(
    `sent and acknowledged after a kill and 1, 2, 3 at birth: ${durationsMs.join(', ')} ms`,
  )
  expect(history.again).toBe(0)
})

/** Resolves when the broker after so many deaths answers. */
async function untilNextBroker(page: Page, deaths: number): Promise<void> {
  await expect
    .poll(async () => (await page.evaluate(() => tab.admin.describeCluster())).brokerEpoch)
    .toBe(deaths + 1)
}

/** One tab's producer, and what became of its sends: their ids are its own. */
class BurstSender {
  readonly #page: Page
  readonly #number: number
  readonly #producer: JSHandle<Producer>
  readonly #bursts: JSHandle<Outcome[]>[] = []

  static async on(page: Page, number: number): Promise<BurstSender> {
    // One message is one batch: there are many in flight when the broker dies.
    const options = { acks: -1, batchSize: 25_000 } as const
    const producer = await page.evaluateHandle((some) => tab.mq.producer(some), options)
    return new BurstSender(page, number, producer)
  }

  private constructor(page: Page, number: number, producer: JSHandle<Producer>) {
    this.#page = page
    this.#number = number
    this.#producer = producer
  }

  /** Resolves when all of them are under way. */
  async sendBurst(): Promise<void> {
    const firstId = this.#number * SENDER_IDS + this.#bursts.length * BURST
    const outcomes = await this.#page.evaluateHandle(
      ({ producer, topic, first, count }) => {
        const padding = 'x'.repeat(20_000)
        const messages = Array.from({ length: count }, (_, i) => ({
          key: `${first + (i % 12)}`,
          value: { id: first + i, padding },
        }))
        return tab.sendEach(producer, topic, messages)
      },
      { producer: this.#producer, topic: TOPIC, first: firstId, count: BURST },
    )
    this.#bursts.push(outcomes)
  }

  has(id: number): boolean {
    return Math.floor(id / SENDER_IDS) === this.#number
  }

  async outcomes() {
    const read = (some: Outcome[]) =>
      some.map(({ value, code, partition, offset }) => ({
        id: Number(Reflect.get(Object(value), 'id')),
        code,
        partition,
        offset,
      }))
    return (await Promise.all(this.#bursts.map((burst) => burst.evaluate(read)))).flat()
  }
}

/** As after a deployment that took the worker's script away. */
async function forbidBroker(page: Page): Promise<void> {
  await page.evaluate(() => {
    const construct = (
      target: typeof SharedWorker,
      args: ConstructorParameters<typeof SharedWorker>,
    ) => new target('isBrokerForbidden' in globalThis ? '/no-such-worker.js' : args[0], args[1])
    Object.assign(globalThis, { isBrokerForbidden: true })
    globalThis.SharedWorker = new Proxy(SharedWorker, { construct })
  })
}

async function allowBroker(page: Page): Promise<void> {
  await page.evaluate(() => Reflect.deleteProperty(globalThis, 'isBrokerForbidden'))
}
