/** Requests from one tab that another answers, and what comes of them when tabs or the worker go away. */
import { expect, test, type BrowserContext, type Page } from '@playwright/test'
import { crash, openTab, summary } from './tabs.js'
import { killWorker } from './worker-killer.js'

const TOPIC = 'search'
const ROUNDS = 200

/** What a handler is to do with a request. */
interface Question {
  readonly words: string
  /** Whoever is called so begins with it, says so, and does not come to an end. */
  readonly hangsIn?: string
  /** Whoever has it answers when the test says so. */
  readonly waits?: boolean
}

declare global {
  /** Requests whose handler has begun, by what they ask for. */
  var begun: string[]
  /** Ends the wait of a request that waits. */
  var answerNow: () => void
  var heard: boolean[]
}

async function openAnswering(
  context: BrowserContext,
  broker: string,
  called: string,
): Promise<Page> {
  const page = await openTab(context, broker)
  await page.evaluate(
    async ([topic, name]) => {
      globalThis.begun = []
      globalThis.heard = []
      const mayAnswer = new Promise<void>((resolve) => {
        globalThis.answerNow = resolve
      })
      const worker = tab.mq.shareConsumer({ groupId: 'searchers' })
      await worker.subscribe({ topics: [topic] })
      await worker.run({
        concurrency: 8,
        eachMessage: async ({ message, reply }) => {
          const { words, hangsIn, waits } = message.value as Question
          globalThis.begun.push(words)
          if (hangsIn === name) await new Promise(() => {})
          if (waits === true) await mayAnswer
          if (words === '') await reply.error(new RangeError('nothing to look for'))
          else globalThis.heard.push(await reply({ found: words.toUpperCase(), by: name }))
        },
      })
    },
    [TOPIC, called] as const,
  )
  return page
}

async function openAsking(context: BrowserContext, broker: string): Promise<Page> {
  const page = await openTab(context, broker)
  await page.evaluate(
    (topic) => tab.admin.createTopics({ topics: [{ topic, numPartitions: 2 }], ifNotExists: true }),
    TOPIC,
  )
  return page
}

const ask = (page: Page, value: Question) =>
  page.evaluate(([topic, question]) => tab.mq.request({ topic, value: question }), [
    TOPIC,
    value,
  ] as const)

const begins = (page: Page, words: string) =>
  page.waitForFunction((asked) => globalThis.begun.includes(asked), words)

test('a request from one tab is answered in another, and so is its failure', async ({
  context,
}) => {
  const asking = await openAsking(context, 'answered')
  const another = await openAsking(context, 'answered')
  await openAnswering(context, 'answered', 'B')
  const tookMs = await asking.evaluate(
    async ([topic, rounds]) => {
      const times: number[] = []
      for (let round = 0; round < rounds; round++) {
        const sinceMs = performance.now()
        await tab.mq.request({ topic, value: { words: `word ${round}` } })
        times.push(performance.now() - sinceMs)
      }
      return times
    },
    [TOPIC, ROUNDS] as const,
  )
  const { p50, worst } = summary(tookMs)
  console.log(`a request and its answer: ${p50.toFixed(1)} ms, at worst ${worst.toFixed(1)} ms`)

  const asksMany = (page: Page, prefix: string) =>
    page.evaluate(
      ([topic, of]) =>
        Promise.all(
          Array.from({ length: 100 }, (_, index) =>
            tab.mq.request({ topic, value: { words: `${of}${index}` } }),
          ),
        ),
      [TOPIC, prefix] as const,
    )
  const answered = (prefix: string) =>
    Array.from({ length: 100 }, (_, index) => ({
      found: `${prefix}${index}`.toUpperCase(),
      by: 'B',
    }))
  const [first, second] = await Promise.all([asksMany(asking, 'a'), asksMany(another, 'b')])
  expect(first).toEqual(answered('a'))
  expect(second).toEqual(answered('b'))

  const failure = await asking.evaluate(async (topic) => {
    const error: unknown = await tab.mq
      .request({ topic, value: { words: '' } })
      .catch((reason: unknown) => reason)
    if (!(error instanceof Error) || !('code' in error)) return undefined
    const { code, cause } = error
    return { code, cause: String(cause) }
  }, TOPIC)
  expect(failure).toEqual({ code: 'REQUEST_FAILED', cause: 'RangeError: nothing to look for' })
})

test('the answering tab goes in the middle: another answers', async ({ context }) => {
  const asking = await openAsking(context, 'goes')
  const closing = await openAnswering(context, 'goes', 'B')
  const closed = ask(asking, { words: 'closed', hangsIn: 'B' })
  await begins(closing, 'closed')
  const crashing = await openAnswering(context, 'goes', 'C')
  await closing.close()
  expect(await closed).toEqual({ found: 'CLOSED', by: 'C' })

  const crashed = ask(asking, { words: 'crashed', hangsIn: 'C' })
  await begins(crashing, 'crashed')
  await openAnswering(context, 'goes', 'D')
  const sinceMs = Date.now()
  await crash(crashing)
  expect(await crashed).toEqual({ found: 'CRASHED', by: 'D' })
  console.log(`answered by another tab ${Date.now() - sinceMs} ms after the crash`)
})

test('the worker is killed while a request is handled: the answer still comes', async ({
  context,
}) => {
  const asking = await openAsking(context, 'killed')
  const answering = await openAnswering(context, 'killed', 'B')
  const answer = ask(asking, { words: 'slow', waits: true })
  await begins(answering, 'slow')
  await killWorker(asking)
  await answering.evaluate(() => globalThis.answerNow())
  expect(await answer).toEqual({ found: 'SLOW', by: 'B' })
})

test('the asking tab is closed: whoever answers hears that nobody did', async ({ context }) => {
  const asking = await openAsking(context, 'nobody')
  const answering = await openAnswering(context, 'nobody', 'B')
  ask(asking, { words: 'slow', waits: true }).catch(() => {})
  await begins(answering, 'slow')
  await asking.close()
  await answering.evaluate(() => globalThis.answerNow())
  await expect.poll(() => answering.evaluate(() => globalThis.heard)).toEqual([false])
})
