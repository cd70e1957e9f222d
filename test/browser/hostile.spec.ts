/**
 * A broken or hostile tab beside a good one, in the real worker: what it throws is refused with a typed
 * error and changes nothing, and what it is allowed to do does not keep the other from its work.
 */
import { expect, test, type BrowserContext, type Page } from '@playwright/test'
import { openTab, summary } from './tabs.js'

test.setTimeout(180_000)

test('whatever a tab throws at the worker is answered, and the other tab goes on', async ({
  context,
}) => {
  const { good, bad } = await openBoth(context, 'hostile')
  await good.evaluate(() => tab.admin.createTopics({ topics: [{ topic: 'steady' }] }))
  for (const seed of [1, 2]) {
    const thrown = await bad.evaluate((of) => hostile.throwAnything({ seed: of, runs: 400 }), seed)
    expect(thrown.faults).toEqual([])
    expect(thrown.refusals).toBeGreaterThan(100)
    await good.evaluate((value) => tab.send('steady', [{ value }]), seed)
  }
  const before = await stateOf(good)
  const thrown = await bad.evaluate(() => hostile.throwEverything())
  expect(thrown.faults).toEqual([])
  expect(thrown.refusals).toBeGreaterThan(2_000)
  expect(await stateOf(good)).toEqual(before)
  expect(await good.evaluate(() => tab.send('steady', [{ value: 3 }]))).toMatchObject([
    { baseOffset: 2 },
  ])
})

test('while one tab floods the worker, the other’s sends go on', async ({ context }) => {
  const { good, bad } = await openBoth(context, 'flooded')
  const topics = Array.from({ length: 100 }, (_, index) => ({ topic: `orders-${index}` }))
  await good.evaluate((all) => tab.admin.createTopics({ topics: all }), topics)
  await good.evaluate(() => tab.admin.createTopics({ topics: [{ topic: 'steady' }] }))
  const report = [`alone: ${await roundTrips(good)}`]
  for (const [kind, atOnce] of [
    ['rubbish', 1_000],
    ['batches', 60],
    ['fetches', 200],
    ['patterns', 200],
  ] as const) {
    await bad.evaluate(([of, count]) => hostile.flood(of, count), [kind, atOnce] as const)
    const trips = await roundTrips(good)
    const { asked, granted, refused } = await bad.evaluate(() => hostile.calm())
    const outcome = `${asked} asked, ${granted} granted, ${JSON.stringify(refused)}`
    report.push(`${kind}, ${atOnce} at once: ${trips}; ${outcome}`)
    expect(asked).toBeGreaterThan(0)
  }
  console.log(`one send and its answer, in ms\n  ${report.join('\n  ')}`)
})

async function openBoth(context: BrowserContext, broker: string) {
  const good = await openTab(context, broker)
  const bad = await context.newPage()
  await bad.goto(`/test/browser/pages/hostile.html?broker=${broker}`)
  await bad.waitForFunction(() => 'hostile' in globalThis)
  return { good, bad }
}

async function roundTrips(good: Page): Promise<string> {
  const tookMs = await good.evaluate(async () => {
    const took: number[] = []
    for (let count = 0; count < 20; count++) {
      const startedMs = performance.now()
      await tab.send('steady', [{ value: count }])
      took.push(performance.now() - startedMs)
    }
    return took
  })
  const { p50, worst } = summary(tookMs)
  return `p50 ${p50.toFixed(1)}, worst ${worst.toFixed(1)}`
}

/**
 * The cluster as it is when nothing changes any more: retention may still be at work, and static
 * members of the hostile tab are waited for until their session times out.
 */
async function stateOf(good: Page): Promise<unknown> {
  let before: unknown
  await expect
    .poll(
      async () => (await good.evaluate(() => tab.admin.listGroups())).map(({ state }) => state),
      { timeout: 40_000 },
    )
    .not.toContainEqual(expect.not.stringMatching('empty'))
  await expect
    .poll(async () => {
      const last = before
      before = await good.evaluate(async () => ({
        topics: await tab.admin.fetchTopicMetadata(),
        orders: await tab.admin.fetchTopicOffsets('orders'),
        refunds: await tab.admin.fetchTopicOffsets('refunds'),
        steady: await tab.admin.fetchTopicOffsets('steady'),
        groups: await tab.admin.describeGroups(
          (await tab.admin.listGroups()).flatMap(({ groupId, type }) =>
            type === 'consumer' ? [groupId] : [],
          ),
        ),
        shareGroups: await tab.admin.describeShareGroups(),
        exchanges: await tab.admin.listExchanges(),
      }))
      return JSON.stringify(before) === JSON.stringify(last)
    })
    .toBe(true)
  return before
}
