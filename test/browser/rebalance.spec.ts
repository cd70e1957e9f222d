/** How fast a closed tab's partitions are at work elsewhere. */
import { expect, test } from '@playwright/test'
import { expectShared, openTab, summary } from './tabs.js'

const ROUNDS = 20
const PARTITIONS = 64

test('a closed tab’s partitions are read by another tab at once', async ({ context }) => {
  const survivor = await openTab(context, 'rebalance')
  await survivor.evaluate(async (numPartitions) => {
    await tab.admin.createTopics({ topics: [{ topic: 'work', numPartitions }] })
    const messages = Array.from({ length: numPartitions }, (_, partition) => ({
      partition,
      value: 1,
    }))
    await tab.send('work', messages)
  }, PARTITIONS)

  const durationsMs: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const groupId = `group-${round}`
    const victim = await openTab(context, 'rebalance')
    // Handlers that never return leave every message to whoever takes over.
    const options = { consumer: { groupId }, topics: ['work'], handlerMs: Infinity }
    await victim.evaluate((consume) => tab.consume(consume), options)
    await survivor.evaluate((consume) => tab.consume(consume), {
      consumer: { groupId },
      topics: ['work'],
    })
    await expectShared([victim, survivor], PARTITIONS)
    const moving = await victim.evaluate(() => tab.assignment().map(({ partition }) => partition))

    const closedAtMs = Date.now()
    await victim.close()
    await expectShared([survivor], PARTITIONS)
    const isThere = (partitions: number[]) =>
      partitions.every((partition) => tab.handled.some((one) => one.partition === partition))
    await survivor.waitForFunction(isThere, moving)
    const firstMs = await survivor.evaluate((partitions) => {
      const taken = tab.handled.filter(({ partition }) => partitions.includes(partition))
      return Math.min(...taken.map(({ atMs }) => atMs))
    }, moving)
    durationsMs.push(firstMs - closedAtMs)
    await survivor.evaluate(async () => {
      await tab.stop()
      tab.handled.length = 0
    })
  }
  const { p50, worst } = summary(durationsMs)
  console.log(
    `rebalance after a closed tab, ${PARTITIONS} partitions: p50 ${p50} ms, worst ${worst} ms`,
  )
  expect(p50).toBeLessThan(1_000)
})
