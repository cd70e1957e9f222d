/** The queue as a tab of the page works on it, when the broker ends in the middle. */
import { afterEach, expect, test, vi } from 'vitest'
import { Messages } from '../../demo/app/messages.js'
import { UnderWay } from '../../demo/app/under-way.js'
import { Jobs } from '../../demo/queue/jobs.js'
import { queueStateOf } from '../../demo/queue/queue-state.js'
import type { ClusterState } from '../../src/index.js'
import { inContext, type ClientContext } from '../client/client-context.js'

afterEach(() => {
  vi.unstubAllGlobals()
})

async function stateOf(context: ClientContext): Promise<ClusterState> {
  const states = context.admin.watch()
  const { value } = await context.done(states.next())
  await context.done(states.return())
  if (value === undefined) throw new Error('there is no state')
  return value
}

test(
  'who stops before the topic is there works on nothing',
  inContext(async (context) => {
    const { mq } = context.tab()
    const messages = new Messages(() => false)
    const [admin, producer] = [mq.admin(), mq.producer()]
    const jobs = new Jobs({ mq, admin, producer, messages, underWay: new UnderWay() })
    const starting = jobs.toggle()
    expect(jobs.isWorking.value).toBe(true)
    await context.done(jobs.toggle())
    await context.done(starting)
    expect(jobs.isWorking.value).toBe(false)
    const { shareGroups } = await stateOf(context)
    expect(shareGroups.flatMap(({ members }) => members)).toEqual([])
    expect(messages.shown.value).toEqual([])
  }),
)

test(
  'jobs whose broker ends come again, which is told as no fault, and until they are done',
  inContext(async (context) => {
    // A job takes as long as the world says that it does.
    const cancels = new Map<number, () => void>()
    vi.stubGlobal('setTimeout', (run: () => void, delayMs: number) => {
      cancels.set(cancels.size, context.clock.schedule(delayMs, run))
      return cancels.size - 1
    })
    vi.stubGlobal('clearTimeout', (timer: number) => cancels.get(timer)?.())
    const { mq } = context.tab()
    const messages = new Messages(() => false)
    const admin = mq.admin()
    const producer = mq.producer()
    const jobs = new Jobs({ mq, admin, producer, messages, underWay: new UnderWay() })
    const look = async () => {
      const state = await stateOf(context)
      jobs.look(state)
      return queueStateOf(state)
    }
    await context.done(jobs.add(3, { isPoison: false }))
    await context.done(jobs.start())
    await context.until(async () => (await look()).inHand.some((one) => one.jobs > 0))
    context.kill()
    await context.until(() => messages.shown.value.length > 0)
    expect(messages.shown.value).toEqual([
      expect.objectContaining({ tone: 'info', text: expect.stringContaining('given out again') }),
    ])
    const said = new Set<number>()
    messages.shown.listen(() => messages.shown.value.forEach(({ times }) => said.add(times)))
    await context.until(async () => {
      const { waiting, delayed, inHand } = await look()
      return waiting + delayed === 0 && inHand.every((one) => one.jobs === 0)
    })
    expect(messages.shown.value).toEqual([])
    expect([...said], 'said again for each of them').toEqual([])
    await context.done(jobs.stop())
  }),
)
