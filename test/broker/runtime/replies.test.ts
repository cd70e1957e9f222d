import { describe, expect, it } from 'vitest'
import type { PushPort } from '../../../src/broker/ports.js'
import { REPLY, type BrokerLimits } from '../../../src/protocol/limits.js'
import type { SessionId } from '../../../src/protocol/names.js'
import type { Answer } from '../../../src/protocol/requests/replies.js'
import { BrokerContext, type Tab } from '../broker-context.js'

const ANSWER: Answer = { value: new ArrayBuffer(100) }

/** A broker that has been there for so long that whoever is not connected is not on the way. */
async function started(limits: Partial<BrokerLimits> = {}) {
  const context = await BrokerContext.start({ limits })
  await context.time.advance(REPLY.reconnectMs)
  return context
}

const replyTo = ({ sessionId }: { sessionId: SessionId }, correlationId = 'c') => ({
  api: 'reply' as const,
  sessionId,
  correlationId,
})

/** What a reply came to, or that it has not come to anything yet. */
async function outcomeOf(context: BrokerContext, from: Tab, to: { sessionId: SessionId }) {
  const outcome: { isHeard?: boolean } = {}
  void from.call({ ...replyTo(to), answer: ANSWER }).then((reply) => Object.assign(outcome, reply))
  await context.time.advance(0)
  return outcome
}

const waits = (answer = true): Partial<PushPort> => ({
  push: async () => answer,
})
const silent: Partial<PushPort> = { push: () => new Promise<never>(() => {}) }

describe('a reply', () => {
  it('is pushed as it is to the tab that it is for, and no other', async () => {
    const context = await started()
    const asking = context.openTab(waits())
    const other = context.openTab(waits())
    expect(await outcomeOf(context, context.tab, asking)).toEqual({ isHeard: true })
    expect(asking.takePushes('reply')).toEqual([
      { push: 'reply', correlationId: 'c', answer: ANSWER },
    ])
    expect(other.takePushes('reply')).toEqual([])
  })

  it('is not heard where nobody waits for it', async () => {
    const context = await started()
    const asking = context.openTab(waits(false))
    expect(await outcomeOf(context, context.tab, asking)).toEqual({ isHeard: false })
  })

  it('to a tab that is gone is dropped at once, and leaves nothing behind', async () => {
    const context = await started()
    const asking = context.openTab(waits())
    await asking.leave()
    const timers = context.time.pending
    expect(await outcomeOf(context, context.tab, asking)).toEqual({ isHeard: false })
    expect(context.time.pending).toBe(timers)
  })

  it('that is not taken is waited for no longer than a second', async () => {
    const context = await started()
    const frozen = context.openTab(silent)
    const outcome = await outcomeOf(context, context.tab, frozen)
    await context.time.advance(REPLY.takenWithinMs - 1)
    expect(outcome).toEqual({})
    await context.time.advance(1)
    expect(outcome).toEqual({ isHeard: false })
  })

  it('that was on its way when its tab ends is not waited for', async () => {
    const context = await started()
    const frozen = context.openTab(silent)
    const outcome = await outcomeOf(context, context.tab, frozen)
    await frozen.leave()
    await context.time.advance(0)
    expect(outcome).toEqual({ isHeard: false })
  })

  it('that was sent to an old port comes again on the new one', async () => {
    const context = await started()
    const asking = context.openTab(silent)
    const outcome = await outcomeOf(context, context.tab, asking)
    asking.hello(waits())
    await context.time.advance(0)
    expect(outcome).toEqual({ isHeard: true })
    expect(asking.takePushes('reply')).toHaveLength(2)
  })

  it('waits for a tab that has yet to connect to a new broker', async () => {
    const context = await BrokerContext.start()
    const asking = { sessionId: 'tab-2' as SessionId }
    const outcome = await outcomeOf(context, context.tab, asking)
    await context.time.advance(REPLY.reconnectMs - 1)
    expect(outcome).toEqual({})
    const tab = context.openTab(waits())
    expect(tab.sessionId).toBe(asking.sessionId)
    await context.time.advance(0)
    expect(outcome).toEqual({ isHeard: true })
  })

  it('waits for a tab that never connects until it can be on its way no more', async () => {
    const context = await BrokerContext.start()
    const outcome = await outcomeOf(context, context.tab, { sessionId: 'gone' as SessionId })
    await context.time.advance(REPLY.reconnectMs - 1)
    expect(outcome).toEqual({})
    await context.time.advance(1)
    expect(outcome).toEqual({ isHeard: false })
  })

  it('of more bytes than may be is refused', async () => {
    const context = await started({ replyBytesMax: 99 })
    const asking = context.openTab(waits())
    const reply = context.tab.call({ ...replyTo(asking), answer: ANSWER })
    await expect(reply).rejects.toMatchObject({ code: 'MESSAGE_TOO_LARGE' })
    expect(asking.takePushes('reply')).toEqual([])
  })
})

describe('replies that a tab does not take', () => {
  it.each([
    ['so many', { sessionPushesMax: 3 }],
    ['of so many bytes', { sessionReplyBytesMax: 399 }],
  ])('are dropped beyond %s', async (_, limits) => {
    const context = await started(limits)
    const answers: ((isOfUse: boolean) => void)[] = []
    const frozen = context.openTab({
      push: () => new Promise<boolean>((resolve) => answers.push(resolve)),
    })
    const outcomes = []
    for (let i = 0; i < 5; i++) outcomes.push(await outcomeOf(context, context.tab, frozen))
    expect(outcomes).toEqual([{}, {}, {}, { isHeard: false }, { isHeard: false }])
    expect(frozen.takePushes('reply')).toHaveLength(3)
    for (const answer of answers.splice(0)) answer(true)
    await context.time.advance(0)
    expect(outcomes.slice(0, 3)).toEqual([{ isHeard: true }, { isHeard: true }, { isHeard: true }])
    expect(await outcomeOf(context, context.tab, frozen)).toEqual({})
    expect(frozen.takePushes('reply')).toHaveLength(1)
  })

  it.each([
    ['so many', { sessionPushesMax: 3 }],
    ['of so many bytes', { sessionReplyBytesMax: 399 }],
  ])('for tabs that are not connected: the same beyond %s', async (_, limits) => {
    const context = await BrokerContext.start({ limits })
    const outcomes = []
    for (let i = 0; i < 5; i++) {
      const to = { sessionId: `gone-${i}` as SessionId }
      outcomes.push(await outcomeOf(context, context.tab, to))
    }
    expect(outcomes).toEqual([{}, {}, {}, { isHeard: false }, { isHeard: false }])
    await context.time.advance(REPLY.reconnectMs)
    expect(outcomes).toEqual(Array.from({ length: 5 }, () => ({ isHeard: false })))
  })
})
