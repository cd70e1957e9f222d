import { describe, expect, it } from 'vitest'
import type { PartitionId } from '../../../src/protocol/names.js'
import { TabmqError } from '../../../src/protocol/errors.js'
import { BrokerContext, idsOf, JOIN_OPTIONS, type Tab, type TabMember } from '../broker-context.js'
import { allDone } from '../fake-time.js'
import { watch } from '../outcome.js'

const A: TabMember = { groupId: 'billing', memberId: 'a' }
const B: TabMember = { groupId: 'billing', memberId: 'b' }
const HOUR_MS = 3_600_000

async function started(partitions = 2): Promise<BrokerContext> {
  const context = await BrokerContext.start()
  await context.createTopic('orders', partitions)
  return context
}

/** Whom a tab was asked to heartbeat for since the last time. */
const asked = (tab: Tab) => tab.takePushes('heartbeat').map(({ memberId }) => memberId)

const members = (context: BrokerContext) =>
  context.broker.state.groups
    .describeAll()
    .flatMap((group) => group.members.map(({ memberId }) => memberId))

describe('a heartbeat is asked for', () => {
  it('when it is due, and not again before it came', async () => {
    const context = await started()
    const tab = context.openTab()
    const { memberEpoch } = await tab.heartbeat(A)
    await context.time.advance(2_999)
    expect(asked(tab)).toEqual([])
    await context.time.advance(1)
    expect(asked(tab)).toEqual(['a'])
    await context.time.advance(6_000)
    expect(asked(tab)).toEqual([])
    await tab.heartbeat({ ...A, memberEpoch }, { owned: [] })
    await context.time.advance(3_000)
    expect(asked(tab)).toEqual(['a'])
  })

  it('three times within a short session timeout', async () => {
    const context = await started()
    const tab = context.openTab()
    await tab.heartbeat(A, { options: { ...JOIN_OPTIONS, sessionTimeoutMs: 1_500 } })
    await context.time.advance(499)
    expect(asked(tab)).toEqual([])
    await context.time.advance(1)
    expect(asked(tab)).toEqual(['a'])
  })

  it('at once when the member has to let go, and again when it may take', async () => {
    const context = await started()
    const [first, second] = [context.openTab(), context.openTab()]
    const joined = await first.heartbeat(A)
    const owned = idsOf(joined.assigned)
    await second.heartbeat(B)
    expect([asked(first), asked(second)]).toEqual([['a'], []])
    const a = { ...A, memberEpoch: joined.memberEpoch }
    const told = await first.heartbeat(a, { owned })
    expect([asked(first), asked(second)]).toEqual([[], []])
    await first.heartbeat(a, { owned: idsOf(told.assigned) })
    expect([asked(first), asked(second)]).toEqual([[], ['b']])
  })

  it('at once when partitions are added, before anybody has to wait for a timer', async () => {
    const context = await started()
    const tab = context.openTab()
    await tab.heartbeat(A)
    const topic = 'orders' as never
    await context.tab.call({ api: 'createPartitions', topic, count: 4 })
    expect(asked(tab)).toEqual(['a'])
  })

  it('by a fenced member’s broker, so that it hears of it', async () => {
    const context = await started()
    const tab = context.openTab()
    await tab.heartbeat(A)
    await context.time.advance(9_999)
    asked(tab)
    await context.time.advance(1)
    expect([asked(tab), members(context)]).toEqual([['a'], []])
    await expect(tab.heartbeat({ ...A, memberEpoch: 1 })).rejects.toMatchObject({
      code: 'UNKNOWN_MEMBER_ID',
    })
  })

  it('once of a tab that is frozen, whatever goes on meanwhile', async () => {
    const context = await started(8)
    const frozen = context.openTab()
    await frozen.heartbeat(A)
    for (const memberId of ['b', 'c', 'd']) {
      await context.openTab().heartbeat({ groupId: 'billing', memberId })
      await context.time.advance(1_000)
    }
    expect(asked(frozen)).toEqual(['a'])
  })

  it('again when the tab has a new port, as it may not have heard it on the old one', async () => {
    const context = await started()
    const tab = context.openTab()
    await tab.heartbeat(A)
    await context.time.advance(3_000)
    expect(asked(tab)).toEqual(['a'])
    tab.hello()
    await context.time.advance(0)
    expect(asked(tab)).toEqual(['a'])
    tab.hello()
    tab.hello()
    await context.time.advance(1_000)
    expect(asked(tab)).toEqual(['a'])
  })

  it('of nobody whose tab is gone', async () => {
    const context = await started()
    const tab = context.openTab()
    await tab.heartbeat({ ...A, instance: 'i' })
    await tab.leave()
    await context.time.advance(9_000)
    expect([asked(tab), members(context)]).toEqual([[], ['a']])
    await context.time.advance(1_000)
    expect(members(context)).toEqual([])
  })

  it('though the port of a tab throws', async () => {
    const context = await started()
    const broken = context.openTab({ push: () => Promise.reject(new Error('detached')) })
    const tab = context.openTab()
    await broken.heartbeat(A)
    await tab.heartbeat(B)
    await context.time.advance(3_000)
    expect([asked(broken).length > 0, asked(tab)]).toEqual([true, ['b']])
  })
})

describe('a broker that was away', () => {
  it('fences nobody for its own silence, and asks at once', async () => {
    const context = await started()
    const tab = context.openTab()
    await tab.heartbeat(A)
    await context.time.sleep(HOUR_MS)
    expect([asked(tab), members(context)]).toEqual([['a'], ['a']])
  })

  it('gives each the time that it had left', async () => {
    const context = await started()
    const tab = context.openTab()
    await tab.heartbeat(A)
    await context.time.sleep(HOUR_MS)
    await context.time.advance(6_999)
    expect(members(context)).toEqual(['a'])
    await context.time.advance(1)
    expect(members(context)).toEqual([])
  })

  it('gives who had none left time for one more heartbeat: it may have come unheard', async () => {
    const context = await started()
    const tab = context.openTab()
    const { memberEpoch } = await tab.heartbeat(A)
    await context.time.advance(3_000)
    expect(asked(tab)).toEqual(['a'])
    await context.time.sleep(HOUR_MS)
    expect([asked(tab), members(context)]).toEqual([['a'], ['a']])
    await context.time.advance(2_999)
    await tab.heartbeat({ ...A, memberEpoch }, { owned: [] })
    await context.time.advance(9_999)
    expect(members(context)).toEqual(['a'])
    await context.time.sleep(HOUR_MS)
    await context.time.advance(3_000)
    expect(members(context)).toEqual([])
  })

  it('gives nobody more than its session timeout', async () => {
    const context = await started()
    const tab = context.openTab()
    const { memberEpoch } = await tab.heartbeat(A)
    context.time.pass(HOUR_MS)
    await tab.heartbeat({ ...A, memberEpoch }, { owned: [] })
    await context.time.advance(9_999)
    expect(members(context)).toEqual(['a'])
    await context.time.advance(1)
    expect(members(context)).toEqual([])
  })

  it('gives those who have to let go the time that they had left, too', async () => {
    const context = await started()
    const [first, second] = [context.openTab(), context.openTab()]
    const options = { ...JOIN_OPTIONS, sessionTimeoutMs: 60_000, rebalanceTimeoutMs: 8_000 }
    const joined = await first.heartbeat(A, { options })
    await second.heartbeat(B, { options })
    const a = { ...A, memberEpoch: joined.memberEpoch }
    await first.heartbeat(a, { owned: idsOf(joined.assigned) })
    await context.time.sleep(HOUR_MS)
    expect(members(context)).toEqual(['a', 'b'])
    await context.time.advance(4_999)
    expect(members(context)).toEqual(['a', 'b'])
    await context.time.advance(1)
    expect(members(context)).toEqual(['b'])
  })

  it('is not away when a timer is a little late', async () => {
    const context = await started()
    const tab = context.openTab()
    await tab.heartbeat(A)
    await context.time.advance(9_500)
    await context.time.sleep(1_000)
    expect(members(context)).toEqual([])
  })
})

describe('the broker’s timer', () => {
  it('is one, whatever there is to wait for', async () => {
    const context = await started()
    const before = context.time.pending
    for (let member = 0; member < 5; member++) {
      await context.openTab().heartbeat({ groupId: 'billing', memberId: `${member}` })
    }
    await context.time.advance(1_000)
    expect(context.time.pending).toBe(before)
  })
})

/** Time goes on as before for whoever measures it; what the clock says is another matter. */
function setBack({ time }: BrokerContext, byMs: number): void {
  const nowMs = time.nowMs.bind(time)
  time.nowMs = () => nowMs() - byMs
}

describe('a clock that is set back', () => {
  it.each([
    ['nothing else happens', false],
    ['another tab is heard first', true],
  ])('keeps no silent member when %s', async (_, anotherIsHeard) => {
    const context = await started()
    const tab = context.openTab()
    await tab.heartbeat(A)
    setBack(context, HOUR_MS)
    if (anotherIsHeard) await context.openTab().heartbeat(B)
    await context.time.advance(10_000 + 3_000)
    expect(members(context)).not.toContain('a')
  })

  it('takes no time from a static member whose tab goes before anything else is heard', async () => {
    const context = await started()
    const tab = context.openTab()
    await tab.heartbeat({ ...A, instance: 'till' })
    setBack(context, HOUR_MS)
    await tab.leave()
    await context.time.advance(9_999)
    expect(members(context)).toEqual(['a'])
    await context.time.advance(1)
    expect(members(context)).toEqual([])
  })

  it('takes no time from a member that answers, and stops no asking', async () => {
    const context = await started()
    const tab = context.openTab()
    let { memberEpoch, assigned } = await tab.heartbeat(A)
    setBack(context, HOUR_MS)
    for (let beats = 0; beats < 5; beats++) {
      await context.time.advance(3_500)
      expect(asked(tab)).toEqual(['a'])
      const owned = idsOf(assigned)
      ;({ memberEpoch, assigned } = await tab.heartbeat({ ...A, memberEpoch }, { owned }))
    }
    expect(members(context)).toEqual(['a'])
  })

  it('stops no retention', async () => {
    const context = await started()
    const [id = 0 as PartitionId] = await context.createTopic('old', 1, { retentionMs: 1_000 })
    setBack(context, HOUR_MS)
    await context.append(id, { timestamps: [-2 * HOUR_MS] })
    await context.time.advance(61_000)
    expect(context.broker.state.logs.find(id)?.logStartOffset).toBe(1)
  })

  it('stops no watch', async () => {
    const context = await started()
    const [id = 0 as PartitionId] = await context.createTopic('shown')
    await context.tab.call({ api: 'watch', watchId: 'w', intervalMs: 100 })
    setBack(context, HOUR_MS)
    await context.append(id)
    await context.time.advance(100)
    expect(context.tab.takePushes('clusterState')).toHaveLength(1)
  })
})

describe('a clock that is set forward', () => {
  it('fences nobody, whoever is heard first', async () => {
    const context = await started()
    const tab = context.openTab()
    const { memberEpoch, assigned } = await tab.heartbeat(A)
    const nowMs = context.time.nowMs.bind(context.time)
    context.time.nowMs = () => nowMs() + HOUR_MS
    await context.openTab().heartbeat({ groupId: 'other', memberId: 'o' })
    await context.time.advance(0)
    expect(members(context)).toEqual(['a', 'o'])
    const owned = idsOf(assigned)
    await tab.heartbeat({ ...A, memberEpoch }, { owned })
    await context.time.advance(9_999)
    expect(members(context)).toEqual(['a', 'o'])
    await context.time.advance(1)
    expect(members(context)).toEqual([])
  })
})

describe('a clock that is set while the state is loaded again', () => {
  it.each([
    ['back', HOUR_MS],
    ['forward', -HOUR_MS],
  ])('%s leaves a static member the time to come back, and no more', async (_, byMs) => {
    const context = await started()
    await context.openTab().heartbeat({ ...A, instance: 'till' })
    context.storage.hold()
    const made = watch(context.createTopic('never'))
    await allDone()
    setBack(context, byMs)
    context.storage.failCommits(new TabmqError('STORAGE_ERROR', 'a test'))
    context.storage.release()
    await allDone()
    expect(made.outcome).toBe('STORAGE_ERROR')
    await context.time.advance(9_999)
    expect(members(context)).toEqual(['a'])
    await context.time.advance(1)
    expect(members(context)).toEqual([])
  })
})
