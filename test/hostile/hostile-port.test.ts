/**
 * Hostile input over a real port: whatever a tab calls, it gets an answer or a typed error; what is
 * refused changes nothing and leaves nothing behind; and the broker goes on serving the others.
 */
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { batchOf } from '../broker/batches.js'
import {
  API_NAMES,
  grantedRequests,
  hostileHello,
  hostileRequest,
  type Known,
} from './hostile-calls.js'
import { brokenHeaders, hostileValue, NASTY, pathsIn, replaced } from './hostile-values.js'
import { helloOf, AttackedBroker, type RawEndpoint } from './attacked-broker.js'
import { faultOf, isRefusal } from './verdict.js'

beforeEach(() => {
  vi.stubGlobal('navigator', { locks: { request: requestLock } })
})

afterEach(() => {
  vi.unstubAllGlobals()
})

/** Small enough that a run reaches them. */
const LIMITS = {
  topicsMax: 6,
  partitionsPerTopicMax: 3,
  groupMembersMax: 4,
  requestPartitionsMax: 8,
  sessionWatchesMax: 2,
  fetchWaitMsMax: 20,
}

/** The topic of the tab that must not notice anything. */
const STEADY = 1
const KNOWN: Known = { partitionIds: [2, 3, 4], groupId: 'g', memberId: 'm', memberEpoch: 1 }

describe('whatever a tab requests', () => {
  it('is answered or refused with a typed error; what is refused changes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(hostileRequest(KNOWN), { minLength: 1, maxLength: 20 }),
        async (requests) => {
          const { served, hostile, steady } = await start()
          try {
            let state = await served.state()
            for (const request of requests) {
              const reply = await settled(hostile.request(request))
              expect(faultOf(reply)).toBeUndefined()
              const after = await served.state()
              if (isRefusal(reply)) expect(after).toEqual(state)
              state = after
            }
            await expectServed(steady)
            expect(served.logged).toEqual([])
            served.broker.checkInvariants()
            hostile.goodbye({ isTabGone: true }).catch(() => {})
            await expectNothingLeft(served)
          } finally {
            await served.close()
          }
        },
      ),
      { numRuns: 80 },
    )
  })

  it.each(API_NAMES)('is harmless with anything in the place of any part: %s', async (api) => {
    const { served, hostile, steady } = await start()
    const request = { api, ...grantedRequests(KNOWN)[api] }
    let state = await served.state()
    for (const path of pathsIn(request)) {
      for (const make of NASTY) {
        const broken = replaced(request, path, make())
        const reply = await settled(hostile.request(broken))
        expect([path, faultOf(reply)]).toEqual([path, undefined])
        const after = await served.state()
        if (isRefusal(reply)) expect(after).toEqual(state)
        state = after
      }
    }
    expect(await settled(hostile.request(request))).toHaveProperty('incarnation')
    await expectServed(steady)
    expect(served.logged).toEqual([])
    await served.close()
  })

  it('is harmless with any header of a batch', async () => {
    const { served, hostile, steady } = await start()
    let state = await served.state()
    for (const batch of brokenHeaders(batchOf({ producer: { id: 7, sequence: 0 } }))) {
      const request = { api: 'produce', acks: 1, batches: [{ partitionId: 2, batch }] }
      const reply = await settled(hostile.request(request))
      expect(faultOf(reply)).toBeUndefined()
      const after = await served.state()
      if (isRefusal(reply)) expect(after).toEqual(state)
      state = after
      served.broker.checkInvariants()
    }
    await expectServed(steady)
    expect(served.logged).toEqual([])
    await served.close()
  })

  it('leaves nothing behind when it is refused, however often', async () => {
    const { served, hostile, steady } = await start()
    const before = await served.state()
    const timersBefore = served.timers.count
    const refused: unknown[] = []
    for (const request of fc.sample(hostileRequest(KNOWN), { numRuns: 3_000, seed: 1 })) {
      // With no API that there is, it is never granted.
      if (typeof request === 'object') refused.push({ ...request, api: 'grant' })
    }
    const replies = await Promise.all(refused.map((request) => settled(hostile.request(request))))
    expect(replies.length).toBeGreaterThan(1_000)
    expect(replies.every(isRefusal)).toBe(true)
    expect(await served.state()).toEqual(before)
    expect(served.timers.count).toBe(timersBefore)
    await expectServed(steady)
    await served.close()
  })
})

describe('whatever a tab says hello with', () => {
  it('connects it, or is refused with a typed error', async () => {
    await fc.assert(
      fc.asyncProperty(
        hostileHello({ ...helloOf('hostile'), lockName: undefined, brokerName: 'b' }),
        fc.oneof(fc.constant('a port'), hostileValue),
        fc.array(hostileValue, { maxLength: 2 }),
        async (hello, pushPort, farewell) => {
          const served = await AttackedBroker.start()
          try {
            const port = served.openPort()
            const steady = await served.openTab('steady')
            const pushes = pushPort === 'a port' ? served.pushPort() : pushPort
            const reply = await settled(port.hello(hello, pushes))
            expect(faultOf(reply)).toBeUndefined()
            const next = await settled(port.request({ api: 'listGroups' }))
            expect(isRefusal(next)).toBe(isRefusal(reply))
            expect(faultOf(next)).toBeUndefined()
            // Also one that says it is newer, for which a worker that is young does not end.
            await granted(steady.request({ api: 'listGroups' }))
            expect(served.worker.hasEnded).toBe(false)
            if (farewell.length < 2) port.goodbye(...farewell).catch(() => {})
            else port.goodbye({ isTabGone: true }).catch(() => {})
            await expectNothingLeft(served)
          } finally {
            await served.close()
          }
        },
      ),
      { numRuns: 150 },
    )
  })
})

async function start() {
  const served = await AttackedBroker.start(LIMITS)
  const steady = await served.openTab('steady')
  for (const [topic, numPartitions] of [
    ['steady', 1],
    ['orders', 2],
    ['refunds', 1],
  ] as const) {
    const topics = [{ topic, numPartitions, config: {} }]
    await granted(
      steady.request({ api: 'createTopics', topics, ifNotExists: false, validateOnly: false }),
    )
  }
  const hostile = await served.openTab('hostile')
  await granted(
    hostile.request({
      api: 'groupHeartbeat',
      groupId: KNOWN.groupId,
      member: { memberId: KNOWN.memberId, memberEpoch: 0 },
      options: { sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 5_000, assignor: 'uniform' },
      subscription: { topics: ['orders'], patterns: [] },
      owned: [],
    }),
  )
  return { served, hostile, steady }
}

/** The other tab sends and reads as if nothing were. */
async function expectServed(steady: RawEndpoint): Promise<void> {
  const batches = [{ partitionId: STEADY, batch: batchOf() }]
  const { results } = (await granted(steady.request({ api: 'produce', acks: 1, batches }))) as {
    results: { baseOffset: number; error?: unknown }[]
  }
  const [sent] = results
  expect(sent?.error).toBeUndefined()
  const answer = await granted(
    steady.request({
      api: 'fetch',
      fetcherId: 'steady',
      partitions: [{ partitionId: STEADY, offset: sent?.baseOffset, maxBytes: 1_000 }],
      maxBytes: 1_000,
      minBytes: 1,
      maxWaitMs: 0,
    }),
  )
  expect(answer).toMatchObject({ partitions: [{ partitionId: STEADY, batches: [{}] }] })
}

/** Only the other tab is still there, and the one timer that the broker always has. */
async function expectNothingLeft(served: AttackedBroker): Promise<void> {
  await vi.waitFor(async () => {
    const { sessions } = await served.broker.describeCluster()
    expect(sessions.map(({ sessionId }) => sessionId)).toEqual(['steady'])
  })
  expect(served.counts()).toEqual({ waiting: 0, watches: 0, replies: 0 })
  expect(served.timers.count).toBeLessThanOrEqual(1)
}

async function granted(call: Promise<unknown>): Promise<unknown> {
  const reply = await settled(call)
  expect(reply).toMatchObject({ ok: true })
  return (reply as { value: unknown }).value
}

/** A lock that somebody holds for ever. As in a browser, no name begins with a hyphen. */
function requestLock(name: string, { signal }: { signal: AbortSignal }): Promise<never> {
  return new Promise((_, reject) => {
    const refuse = (reason: string) => reject(new DOMException(reason, reason))
    if (name.startsWith('-')) refuse('NotSupportedError')
    signal.addEventListener('abort', () => refuse('AbortError'))
  })
}

/** What cannot be cloned does not cross, and is no business of the broker's. */
const NOT_SENT = {
  incarnation: 'none',
  ok: false,
  error: { code: 'INVALID_REQUEST', message: 'not sent', details: {} },
}

/** The reply, which must come. */
async function settled(call: Promise<unknown>): Promise<unknown> {
  const silence = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(new Error('a call was never answered')), SILENCE_MS)
    const stop = () => clearTimeout(timer)
    call.then(stop, stop)
  })
  try {
    return await Promise.race([call, silence])
  } catch (error) {
    if (error instanceof DOMException && error.name === 'DataCloneError') return NOT_SENT
    throw error
  }
}

const SILENCE_MS = 10_000
