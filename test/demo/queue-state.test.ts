/** The queue as the page shows it, from what a real broker says. */
import { expect, test } from 'vitest'
import { queueStateOf } from '../../demo/queue/queue-state.js'
import { Held, inContext, type ClientContext } from '../client/client-context.js'
import { produce, range } from '../client/reader.js'
import { work } from '../client/share-worker.js'

async function queueState(context: ClientContext) {
  const states = context.admin.watch()
  const { value } = await context.done(states.next())
  await context.done(states.return())
  if (value === undefined) throw new Error('there is no state')
  return queueStateOf(value)
}

test(
  'what waits, who has what, and what died is counted',
  inContext(async (context) => {
    await context.topic('jobs')
    await produce(context, range(5), { topic: 'jobs' })
    expect(await queueState(context)).toMatchObject({ waiting: 5, inHand: [], deadLetters: 0 })
    const gate = new Held()
    const tab = context.tab({ clientId: 'demo-tab-3' })
    const worker = await work(context, tab, {
      groupId: 'job-workers',
      topics: ['jobs'],
      deadLetterTopic: 'jobs.dead',
      deliveryCountLimit: 1,
      concurrency: 2,
      gate,
      onMessage: ({ message }) => {
        if (message.value === 4) throw new Error('no')
      },
    })
    await context.until(() => gate.size === 2)
    expect(await queueState(context)).toMatchObject({
      waiting: 3,
      done: 0,
      inHand: [{ tab: { text: expect.any(String) }, jobs: 2, deliveryCount: 1 }],
    })
    gate.release()
    await context.until(() => worker.handled.length === 4)
    await context.until(async () => (await queueState(context)).deadLetters === 1)
    expect(await queueState(context)).toMatchObject({ waiting: 0, done: 4, releases: 1 })
    await context.done(context.admin.redrive({ from: 'jobs.dead' }))
    await context.until(async () => (await queueState(context)).deadLetters === 1)
  }),
)
