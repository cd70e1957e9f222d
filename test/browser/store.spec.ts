/** A store that is one with progress, over real tabs, while the worker and a tab are killed. */
import { expect, test } from '@playwright/test'
import { crash, openTab } from './tabs.js'
import { WorkerKiller } from './worker-killer.js'

const MESSAGES = 2_000
const KEYS = 20
const PARTITIONS = 6

for (const kind of ['consumer', 'share'] as const) {
  test(`what ${kind}s count into a store is exact, over a worker and a tab that are killed`, async ({
    context,
  }) => {
    const [boss, victim, other] = [
      await openTab(context, `store-${kind}`),
      await openTab(context, `store-${kind}`),
      await openTab(context, `store-${kind}`),
    ]
    await boss.evaluate(
      async ({ messages, keys, numPartitions }) => {
        await tab.admin.createTopics({ topics: [{ topic: 'clicks', numPartitions }] })
        const all = Array.from({ length: messages }, (_, index) => ({
          key: `key ${index % keys}`,
          value: index,
        }))
        await tab.send('clicks', all)
      },
      { messages: MESSAGES, keys: KEYS, numPartitions: PARTITIONS },
    )
    const counts = await boss.evaluateHandle((of) => tab.watchCounts(of), kind)
    const total = () =>
      counts.evaluate((seen) =>
        [...seen.values()].reduce((sum: number, one) => sum + Number(one), 0),
      )
    for (const page of [victim, other]) {
      await page.evaluate((of) => tab.count('clicks', of), kind)
    }
    const killer = await WorkerKiller.of(boss)
    await expect.poll(total, { intervals: [1] }).toBeGreaterThan(MESSAGES * 0.1)
    await killer.kill()
    await expect.poll(total, { intervals: [1], timeout: 30_000 }).toBeGreaterThan(MESSAGES * 0.4)
    await crash(victim)
    await expect.poll(total, { intervals: [1], timeout: 30_000 }).toBeGreaterThan(MESSAGES * 0.6)
    await killer.kill()
    await expect.poll(total, { timeout: 40_000 }).toBe(MESSAGES)
    const stored = await boss.evaluate((of) => tab.mq.store(`counts of ${of}s`).entries(), kind)
    const expected = Array.from({ length: KEYS }, (_, key) => [`key ${key}`, MESSAGES / KEYS])
    expect(new Map(stored)).toEqual(new Map(expected as [string, number][]))
    await killer.close()
  })
}
