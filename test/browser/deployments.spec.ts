/**
 * Two deployments of an app in one browser: two builds, and so two workers, under two URLs; one database.
 */
import { expect, test, type Browser, type CDPSession, type Page } from '@playwright/test'
import { Deployments } from './deployments.js'
import { expectShared } from './tabs.js'

const PARTITIONS = 4
const WORK = { consumer: { groupId: 'g' }, topics: ['work'] }

const deployments = new Deployments()

test.beforeAll(async () => {
  await deployments.build('one', { path: 'one', protocolVersion: 1 })
  await deployments.build('same', { path: 'same', protocolVersion: 1 })
  await deployments.build('newer', { path: 'newer', protocolVersion: 2 })
  await deployments.build('before', { path: 'app', protocolVersion: 1, fixedNames: true })
  await deployments.build('after', { path: 'app', protocolVersion: 2, fixedNames: true })
  for (const path of ['one', 'same', 'newer']) deployments.serve(path, path)
  deployments.serve('app', 'before')
  await deployments.start()
})

test.afterAll(() => deployments.close())

test('of one protocol, they share the broker that is there, and take over when it has gone', async ({
  context,
  browser,
}) => {
  const first = await deployments.openTab(context, 'one', 'same-protocol')
  await createTopic(first)
  const second = await deployments.openTab(context, 'same', 'same-protocol')
  expect(await incarnationOf(second)).toBe(await incarnationOf(first))
  await first.evaluate((work) => tab.consume(work), WORK)
  await second.evaluate((work) => tab.consume(work), WORK)
  await expectShared([first, second], PARTITIONS)
  const before = await incarnationOf(first)
  await first.close()
  for (const url of await workersOf(browser)) {
    if (url.includes('/one/')) await endWorker(browser, url)
  }
  await expect.poll(() => incarnationOf(second)).not.toBe(before)
  await expectShared([second], PARTITIONS)
  expect(await send(second, 'after')).toBe('none')
  await expect.poll(() => valuesIn(second)).toEqual(['after'])
})

test('the newer protocol takes over, and the pages of the older are told', async ({ context }) => {
  const older = await deployments.openTab(context, 'one', 'newer')
  await createTopic(older)
  await older.evaluate((work) => tab.consume(work), WORK)
  const sent = older.evaluate(async () => {
    const values: number[] = []
    for (let value = 0; ; value++) {
      const { code } = await tab.errorOf(() => tab.send('work', [{ value }]))
      if (code !== 'none') return { values, code }
      values.push(value)
    }
  })
  await expect.poll(() => older.evaluate(() => tab.handled.length)).toBeGreaterThan(50)
  const startMs = performance.now()
  const newer = await deployments.openTab(context, 'newer', 'newer')
  const handOverMs = await newer.evaluate(async () => {
    const beganMs = performance.now()
    await tab.mq.connect()
    return performance.now() - beganMs
  })
  const { values, code } = await sent
  expect(code).toBe('BROKER_SUPERSEDED')
  console.log(
    `hand-over: ${handOverMs.toFixed(0)} ms until the new deployment's broker answered, ` +
      `${(performance.now() - startMs).toFixed(0)} ms with the page's loading; ${values.length} sent before`,
  )
  await expect
    .poll(() => older.evaluate(() => tab.events.map(({ type }) => type)))
    .toEqual(expect.arrayContaining(['superseded', 'partitionsLost', 'crash']))
  // Every message that was acknowledged is there, once; one in flight may be there, too.
  await newer.evaluate((work) => tab.consume(work), {
    ...WORK,
    consumer: { groupId: 'another' },
  })
  await expect.poll(() => newer.evaluate(() => tab.lag('another'))).toBe(0)
  const stored = await newer.evaluate(() => tab.handled.map(({ value }) => value as number))
  expect(new Set(stored).size).toBe(stored.length)
  expect(stored.filter((value) => value < values.length).length).toBe(values.length)
  expect(stored.length - values.length).toBeLessThanOrEqual(1)

  // Loaded again, the page is of the new deployment.
  const late = await deployments.openTab(context, 'one', 'newer')
  expect((await late.evaluate(() => tab.errorOf(() => tab.mq.connect()))).code).toBe(
    'BROKER_SUPERSEDED',
  )
  const reloaded = await deployments.openTab(context, 'newer', 'newer')
  expect(await incarnationOf(reloaded)).toBe(await incarnationOf(newer))
})

test('a script that changes under its URL makes the worker that runs end', async ({ context }) => {
  deployments.serve('app', 'before')
  const older = await deployments.openTab(context, 'app', 'same-url')
  await createTopic(older)
  expect(await send(older, 'of before')).toBe('none')
  deployments.serve('app', 'after')
  const newer = await deployments.openTab(context, 'app', 'same-url')
  await newer.evaluate((work) => tab.consume(work), WORK)
  await expect.poll(() => valuesIn(newer)).toEqual(['of before'])
  expect(await send(older, 'too late')).toBe('BROKER_SUPERSEDED')
  expect(await older.evaluate(() => tab.events.map(({ type }) => type))).toContain('superseded')
  expect(await send(newer, 'of after')).toBe('none')
  await expect.poll(() => valuesIn(newer)).toEqual(['of before', 'of after'])
})

test('a worker that hangs is deposed; when it wakes, it writes nothing', async ({
  context,
  browser,
}) => {
  const older = await deployments.openTab(context, 'one', 'wedged')
  await createTopic(older)
  expect(await send(older, 'before')).toBe('none')
  const before = await incarnationOf(older)
  const hung = await pauseWorker(browser, '/one/')
  // The worker has it in hand when it hangs, and when it wakes it is the leader no more.
  const sending = send(older, 'meanwhile')
  await hung.paused
  const newer = await deployments.openTab(context, 'same', 'wedged')
  await expect.poll(() => incarnationOf(newer), { timeout: 20_000 }).not.toBe(before)
  await newer.evaluate((work) => tab.consume(work), WORK)
  await expect.poll(() => valuesIn(newer)).toEqual(['before'])
  await hung.resume()
  // The old page finds the broker at the other worker, and what it was sending ends there, once.
  expect(await sending).toBe('none')
  expect(await incarnationOf(older)).toBe(await incarnationOf(newer))
  await expect.poll(() => valuesIn(newer)).toEqual(['before', 'meanwhile'])
})

async function createTopic(page: Page): Promise<void> {
  await page.evaluate(async (numPartitions) => {
    await tab.admin.createTopics({ topics: [{ topic: 'work', numPartitions }] })
  }, PARTITIONS)
}

/** The code of the error, or `none`. */
function send(page: Page, value: string): Promise<string> {
  return page.evaluate(
    async (sent) => (await tab.errorOf(() => tab.send('work', [{ value: sent }]))).code,
    value,
  )
}

function valuesIn(page: Page): Promise<unknown[]> {
  return page.evaluate(() => tab.handled.map(({ value }) => value))
}

async function incarnationOf(page: Page): Promise<string> {
  return (await page.evaluate(() => tab.admin.describeCluster())).incarnation
}

async function workersOf(browser: Browser): Promise<string[]> {
  const debug = await browser.newBrowserCDPSession()
  const { targetInfos } = await debug.send('Target.getTargets')
  await debug.detach()
  return targetInfos.filter(({ type }) => type === 'shared_worker').map(({ url }) => url)
}

async function endWorker(browser: Browser, url: string): Promise<void> {
  const debug = await browser.newBrowserCDPSession()
  await debug.send('Target.closeTarget', { targetId: await targetOf(debug, url) })
  await debug.detach()
}

/** With the next thing that it does, its thread stands still until it is resumed. */
async function pauseWorker(
  browser: Browser,
  url: string,
): Promise<{ readonly paused: Promise<void>; resume(): Promise<void> }> {
  const debug = await browser.newBrowserCDPSession()
  const targetId = await targetOf(debug, url)
  const { sessionId } = await debug.send('Target.attachToTarget', { targetId, flatten: false })
  let id = 0
  const tell = async (method: string) => {
    id += 1
    const message = JSON.stringify({ id, method })
    await debug.send('Target.sendMessageToTarget', { sessionId, message })
  }
  const paused = new Promise<void>((resolve) => {
    debug.on('Target.receivedMessageFromTarget', ({ message }) => {
      if (message.includes('Debugger.paused')) resolve()
    })
  })
  await tell('Debugger.enable')
  await tell('Debugger.pause')
  return {
    paused,
    async resume() {
      await tell('Debugger.resume')
      await tell('Debugger.disable')
      await debug.detach()
    },
  }
}

async function targetOf(debug: CDPSession, url: string): Promise<string> {
  const { targetInfos } = await debug.send('Target.getTargets')
  const target = targetInfos.find((one) => one.type === 'shared_worker' && one.url.includes(url))
  if (target === undefined) throw new Error(`no worker of ${url} is running`)
  return target.targetId
}
