/** The steps of all scenarios, on a page where nothing has happened, and on one that was played on before. */
import { beforeAll, describe, expect, it } from 'vitest'
import { viewOf } from '../../demo/cluster/cluster-view.js'
import type { Moment, Step } from '../../demo/learn/scenario.js'
import { SCENARIOS } from '../../demo/learn/scenarios.js'
import { StepWatch } from '../../demo/learn/step-watch.js'
import type { Verdict } from '../../demo/ledger/checker.js'
import { LedgerCount, type Counts } from '../../demo/ledger/ledger-count.js'
import { DEAD_JOBS, DEAD_ROWS, GROUP, OUTBOX, SECOND_GROUP, TOPIC } from '../../demo/names.js'
import type { TabCard } from '../../demo/tabs/tab-roster.js'
import type { WorkerStatus } from '../../demo/worker/tab-worker.js'
import type { ClusterState } from '../../src/index.js'
import { memoryBroker } from '../../src/testing/index.js'

const LATER_MS = 60_000

const idle: WorkerStatus = {
  state: 'idle',
  isStarted: true,
  isPaused: false,
  skipsNext: false,
  handled: 0,
  perSecond: 0,
  last: undefined,
  isSlow: false,
  hangsNext: false,
  hangsUntilMs: undefined,
  trouble: undefined,
  poison: undefined,
  heartbeatAtMs: 0,
}

function verdictOf(given: Partial<Counts> = {}, crashes = 0): Verdict {
  const counts = { ...new LedgerCount().counts(new Map()), ...given }
  return { counts, findings: [], handledByTab: new Map(), crashes, spansOf: () => [] }
}

function cards(shares: readonly (readonly number[])[]): TabCard[] {
  return shares.map((partitions, index) => ({
    name: { number: index + 1, text: `Tab ${index + 1}` },
    presence: 'visible',
    isMember: true,
    partitions,
    lag: 0,
    report: undefined,
    silentMs: 0,
  }))
}

function momentOf(state: ClusterState, given: Partial<Moment> = {}): Moment {
  return {
    state,
    view: viewOf(state, { topic: TOPIC, group: GROUP }),
    verdict: verdictOf(),
    worker: idle,
    tabs: cards([[0, 1, 2, 3, 4, 5]]),
    rebalances: [],
    series: { atS: [], sentPerSecond: [], handledPerSecond: [], lag: [] },
    tab: 1,
    isFlowing: false,
    workMs: 2,
    membership: 'dynamic',
    isSecondOn: false,
    isOnline: true,
    picked: undefined,
    ...given,
  }
}

/** What a real broker says, before and after somebody has played. */
async function statesOf(): Promise<{ fresh: ClusterState; played: ClusterState }> {
  await using broker = memoryBroker()
  const client = broker.client({ clientId: 'tab-1' })
  const admin = client.admin()
  const now = async () => {
    for await (const state of admin.watch()) return state
    throw new Error('the broker said nothing')
  }
  await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 6 }] })
  const consumer = client.consumer({ groupId: GROUP })
  await consumer.subscribe({ topics: [TOPIC] })
  await consumer.run({ eachMessage: () => {} })
  const fresh = await now()
  const partitions = [0, 1, 2, 3, 4, 5].map((partition) => ({ partition, offset: 20 }))
  const messages = partitions.flatMap(({ partition }) =>
    Array.from({ length: 20 }, () => ({ partition, value: 'old' })),
  )
  const producer = client.producer()
  await producer.send({ topic: TOPIC, messages })
  await admin.createTopics({ topics: [OUTBOX, DEAD_ROWS, DEAD_JOBS].map((topic) => ({ topic })) })
  for (const topic of [OUTBOX, DEAD_ROWS, DEAD_JOBS]) {
    await producer.send({ topic, messages: Array.from({ length: 20 }, () => ({ value: 'old' })) })
  }
  await admin.setOffsets({ groupId: SECOND_GROUP, topic: TOPIC, partitions })
  return { fresh, played: await now() }
}

let states: Awaited<ReturnType<typeof statesOf>>
/** By what is said of them. */
let pages: Readonly<Record<string, Moment>>

beforeAll(async () => {
  states = await statesOf()
  const { fresh, played } = states
  const old = { verdict: verdictOf({ sent: 9_000, handled: 9_000 }, 2), picked: {} }
  const busy = { atS: [1], sentPerSecond: [400], handledPerSecond: [400], lag: [0] }
  const three = cards([
    [0, 1],
    [2, 3],
    [4, 5],
  ])
  const entry = {
    id: 7,
    why: [],
    fromEpoch: 1,
    toEpoch: 2,
    before: [],
    after: [],
    startedAtMs: 0,
    tookMs: 5,
  }
  pages = {
    'on which nothing has happened': momentOf(fresh),
    'that was played on before': momentOf(played, { ...old, rebalances: [entry] }),
    'that was left in the middle': momentOf(played, {
      ...old,
      isFlowing: true,
      series: busy,
      workMs: 5,
      tabs: three,
      isSecondOn: true,
      isOnline: false,
    }),
    'whose members are static': momentOf(played, { ...old, membership: 'static', tabs: three }),
  }
})

const STEPS = SCENARIOS.flatMap((scenario) =>
  scenario.steps.map((step, index) => ({
    step,
    name: `${scenario.id} ${index + 1}`,
    hasActions: (step.actions?.length ?? 0) > 0,
  })),
)

function stepOf(name: string): Step {
  const found = STEPS.find((one) => one.name === name)
  if (found === undefined) throw new Error(`there is no step ${name}`)
  return found.step
}

/** Long after it was opened. */
function opened(step: Step, page: Moment) {
  const watch = new StepWatch(step)
  watch.look(page, page, 0)
  return watch.look(page, page, LATER_MS)
}

describe('a step', () => {
  it.each(STEPS)('$name is not done by what was there before', ({ step }) => {
    for (const [what, page] of Object.entries(pages)) {
      expect(opened(step, page).isDone, `on a page ${what}`).toBe(false)
      // Without what it needs, too, its condition asks for evidence.
      expect(step.isDone({ now: page, since: page, begun: page }), what).toBe(false)
    }
  })

  it.each(STEPS)('$name says what is to be done when it is opened by its address', (one) => {
    for (const [what, page] of Object.entries(pages)) {
      const { missing, hasBegun } = opened(one.step, page)
      if (missing === undefined) expect(hasBegun, what).toBe(true)
      else expect(missing.action.label, what).not.toBe('')
    }
    for (const { missing, action } of one.step.needs) {
      expect(missing).toMatch(/^[A-Z].*[.)]$/)
      expect(action.label).toMatch(/^[A-Z]/)
    }
  })

  it.each([
    ['rebalance 3', 'Open a tab'],
    ['rebalance 4', 'Open a tab'],
    ['rebalance 5', 'Start the flow'],
    ['order-by-key 2', 'Send 60 readings'],
    ['lag 2', 'Send too much'],
    ['lag 3', 'Send too much'],
    ['crash 2', 'Open a tab'],
    ['crash 3', 'To the step before'],
    ['broker-death 2', 'Start the flow'],
    ['broker-death 3', 'Start the flow'],
    ['two-groups 2', 'Send 2,000 flights'],
    ['two-groups 3', 'Start the second group'],
    ['two-groups 4', 'Start the second group'],
    ['poison-message 2', 'Start the flow'],
    ['poison-message 3', 'Send a poison message'],
    ['static-members 2', 'Open a tab'],
    ['static-members 3', 'Open a tab'],
    ['static-members 4', 'Make members static'],
    ['static-members 5', 'Make members static'],
    ['offline 3', 'Cut the line'],
  ])('%s offers what an empty page lacks first: %s', (name, label) => {
    const { missing, hasBegun } = opened(stepOf(name), momentOf(states.fresh))
    expect(missing?.action.label).toBe(label)
    expect(hasBegun).toBe(false)
  })

  it('that begins with one tab says so where there are two', () => {
    const tabs = cards([
      [0, 1, 2],
      [3, 4, 5],
    ])
    const { missing } = opened(stepOf('rebalance 1'), momentOf(states.fresh, { tabs }))
    expect(missing?.missing).toMatch(/^Other tabs are at work/)
  })
})

describe('the last step of a rebalance', () => {
  it('is not done while another tab still sends', () => {
    const watch = new StepWatch(stepOf('rebalance 5'))
    const flowing = momentOf(states.fresh, { isFlowing: true })
    const rates = (sent: number) => ({
      atS: [1],
      sentPerSecond: [sent],
      handledPerSecond: [sent],
      lag: [0],
    })
    const verdict = verdictOf({ sent: 500, handled: 500 })
    expect(watch.look(flowing, flowing, 0)).toMatchObject({ hasBegun: true, isDone: false })
    const others = momentOf(states.fresh, { verdict, series: rates(100) })
    expect(watch.look(others, flowing, 1).isDone).toBe(false)
    const nobody = momentOf(states.fresh, { verdict, series: rates(0) })
    expect(watch.look(nobody, flowing, 2).isDone).toBe(true)
  })
})

describe('the watch over a step', () => {
  const at = (given: Partial<Moment>) => momentOf(states.fresh, given)
  const step: Step = {
    title: 'any',
    text: [],
    shows: ['logs'],
    needs: [
      {
        isMet: ({ now }) => now.isFlowing,
        missing: 'Nothing flows.',
        action: { label: 'Flow', run: () => {} },
      },
      {
        isMet: ({ now }) => !now.isSecondOn,
        missing: 'It runs.',
        action: { label: 'Stop', run: () => {} },
        isToBegin: true,
      },
    ],
    isDone: ({ now, since }) => now.workMs > since.workMs,
    waitingFor: '',
    done: '',
  }

  it('compares with how it was when all that is needed was there', () => {
    const watch = new StepWatch(step)
    const begun = at({ workMs: 1 })
    expect(watch.look(at({ workMs: 1 }), begun, 0).hasBegun).toBe(false)
    expect(watch.look(at({ workMs: 9 }), begun, 1).isDone).toBe(false)
    const flowing = { isFlowing: true }
    expect(watch.look(at({ ...flowing, workMs: 9 }), begun, 2)).toMatchObject({
      hasBegun: true,
      isDone: false,
    })
    expect(watch.look(at({ ...flowing, workMs: 10 }), begun, 3).isDone).toBe(true)
    // What has happened has happened.
    expect(watch.look(at({ workMs: 0 }), begun, 4)).toEqual({
      hasBegun: true,
      isDone: true,
      missing: undefined,
    })
  })

  it('names what is missing, one at a time, when it is missing for a while', () => {
    const watch = new StepWatch(step)
    const nothing = at({ isSecondOn: true })
    expect(watch.look(nothing, nothing, 0).missing).toBeUndefined()
    expect(watch.look(nothing, nothing, 1_000).missing?.missing).toBe('Nothing flows.')
    const running = at({ isFlowing: true, isSecondOn: true })
    watch.look(running, nothing, 1_001)
    expect(watch.look(running, nothing, 2_001).missing?.missing).toBe('It runs.')
    watch.look(at({ isFlowing: true }), nothing, 2_002)
    // The one is needed all the while, the other to begin with.
    watch.look(nothing, nothing, 2_003)
    expect(watch.look(nothing, nothing, 3_100).missing).toBeUndefined()
    expect(watch.look(nothing, nothing, 6_003).missing?.missing).toBe('Nothing flows.')
    expect(watch.look(running, nothing, 20_000).missing).toBeUndefined()
  })

  it('knows what was done before in the same playing', () => {
    const now = at({})
    expect(new StepWatch(step, { isDone: true }).look(now, now, 0).isDone).toBe(true)
  })
})
