/** What of the client is loaded when it is first used, where it is not to be had then. */
import { expect, test } from '@playwright/test'
import { isOld } from './chromium-version.js'
import { openTab } from './tabs.js'

test.skip(({ browser }) => isOld(browser), 'remembers what it could not load until the page ends')

test('code that cannot be loaded fails its call alone, and is loaded once it can be', async ({
  context,
}) => {
  const page = await openTab(context, 'parts')
  await page.evaluate(() => tab.mq.connect())
  await context.setOffline(true)
  const codes = await page.evaluate(async () => {
    const codeOf = async (call: () => Promise<unknown>) => {
      try {
        await call()
        return 'none'
      } catch (error) {
        const { code, retriable } = error as { code?: string; retriable?: boolean }
        return `${code} ${retriable}`
      }
    }
    const worker = tab.mq.shareConsumer({ groupId: 'workers' })
    await worker.subscribe({ topics: ['jobs'] })
    await tab.admin.createTopics({ topics: [{ topic: 'jobs' }] })
    return {
      send: await codeOf(() => tab.producer.send({ topic: 'jobs', messages: [{ value: 1 }] })),
      list: await codeOf(() => tab.admin.listTopics()),
      run: await codeOf(() => worker.run({ eachMessage: () => {} })),
      publish: await codeOf(() => tab.producer.publish({ exchange: 'none', messages: [] })),
      put: await codeOf(() => tab.mq.store('balances').put('anna', 12)),
      entries: await codeOf(() => tab.mq.store('balances').entries()),
    }
  })
  expect(codes).toEqual({
    send: 'none',
    list: 'CODE_NOT_LOADED true',
    run: 'CODE_NOT_LOADED true',
    publish: 'CODE_NOT_LOADED true',
    put: 'none',
    entries: 'CODE_NOT_LOADED true',
  })
  await context.setOffline(false)
  const found = await page.evaluate(async () => {
    const worker = tab.mq.shareConsumer({ groupId: 'workers', autoOffsetReset: 'earliest' })
    await worker.subscribe({ topics: ['jobs'] })
    const value = await new Promise<unknown>((resolve, reject) => {
      worker.run({ eachMessage: ({ message }) => resolve(message.value) }).catch(reject)
    })
    return { value, topics: await tab.admin.listTopics() }
  })
  expect(found).toEqual({ value: 1, topics: ['jobs'] })
})
