/**
 * The outbox: an app sends while there is no network, is loaded again without one, and what it sent
 * reaches the server when the network is back, each once and in order.
 */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test, type Page } from '@playwright/test'
import { openTab } from './tabs.js'
import { createTopic, TOPIC } from './workload.js'

test('what is sent offline, over a reload, reaches the server when the network is back', async ({
  context,
}) => {
  const server = await AppServer.start()
  try {
    const page = await openTab(context, 'outbox')
    await workOffline(page)
    await createTopic(page, 1)
    await drainTo(page, server.address)
    await sendValues(page, [0, 1, 2])
    await expect.poll(() => server.received).toEqual(['0', '1', '2'])

    await context.setOffline(true)
    await sendValues(page, [3, 4, 5])
    await expect.poll(() => failedAttempts(page)).toBeGreaterThan(0)
    // With its only tab the worker ends: the next one, too, is loaded without a network.
    await page.reload()
    await page.waitForFunction(() => 'tab' in globalThis)
    expect(await isReachable(page, '/not-in-the-cache')).toBe(false)
    await sendValues(page, [6, 7, 8])
    await drainTo(page, server.address)
    await expect.poll(() => failedAttempts(page)).toBeGreaterThan(0)
    expect(server.received).toEqual(['0', '1', '2'])

    await context.setOffline(false)
    const all = Array.from({ length: 9 }, (_, value) => `${value}`)
    await expect.poll(() => server.received).toEqual(all)
    await expect.poll(() => page.evaluate(() => tab.lag('outbox'))).toBe(0)
    const { brokerEpoch } = await page.evaluate(() => tab.admin.describeCluster())
    expect(brokerEpoch).toBeGreaterThan(1)
  } finally {
    await server.close()
  }
})

/** What the app's messages are meant for. */
class AppServer {
  readonly received: string[] = []
  readonly #server: Server

  static async start(): Promise<AppServer> {
    const app = new AppServer()
    await new Promise<void>((resolve) => {
      app.#server.listen(0, 'localhost', resolve)
    })
    return app
  }

  private constructor() {
    this.#server = createServer((request, response) => {
      let body = ''
      request.on('data', (part: Buffer) => (body += part.toString()))
      request.on('end', () => {
        this.received.push(body)
        response.writeHead(200, { 'access-control-allow-origin': '*' }).end()
      })
    })
  }

  get address(): string {
    return `http://localhost:${(this.#server.address() as AddressInfo).port}/`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** Has all that the page needs put into the cache: it is loaded once more for that. */
async function workOffline(page: Page): Promise<void> {
  await page.evaluate(async () => {
    await navigator.serviceWorker.register('/offline-worker.js', { type: 'module' })
    await navigator.serviceWorker.ready
  })
  await page.reload()
  await page.waitForFunction(() => 'tab' in globalThis)
  expect(await page.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true)
  await page.evaluate(() => tab.mq.connect())
  const cached = () =>
    page.evaluate(async () => (await (await caches.open('pages')).keys()).map(({ url }) => url))
  await expect.poll(cached).toContainEqual(expect.stringContaining('/shared-worker'))
}

async function drainTo(page: Page, address: string): Promise<void> {
  await page.evaluate(
    async ({ topic, url }) => {
      const consumer = tab.mq.consumer({ groupId: 'outbox' })
      await consumer.subscribe({ topics: [topic], fromBeginning: true })
      consumer.on('crash', ({ error }) => {
        tab.events.push({ type: 'failedAttempt', atMs: Date.now(), detail: String(error) })
      })
      await consumer.run({
        eachMessage: async ({ message }) => {
          await fetch(url, { method: 'POST', body: String(message.value) })
        },
      })
    },
    { topic: TOPIC, url: address },
  )
}

async function sendValues(page: Page, values: readonly number[]): Promise<void> {
  await page.evaluate(
    async ({ topic, messages }) => {
      await tab.send(topic, messages)
    },
    { topic: TOPIC, messages: values.map((value) => ({ value })) },
  )
}

function failedAttempts(page: Page): Promise<number> {
  return page.evaluate(() => tab.events.filter(({ type }) => type === 'failedAttempt').length)
}

function isReachable(page: Page, path: string): Promise<boolean> {
  return page.evaluate(
    (url) =>
      fetch(url).then(
        () => true,
        () => false,
      ),
    path,
  )
}
