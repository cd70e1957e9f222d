/**
 * The simulated world: one browser with its tabs, the traffic between them, and everybody's history.
 * A run has three parts: traffic with faults; healing, in which nothing more breaks and everything
 * has to come right by itself; and rest, when every tab has quit and nothing may be left undone.
 */
import type { DurableRecord } from '../../src/broker/records.js'
import type { TopicName } from '../../src/protocol/names.js'
import { Auditor } from './auditor/auditor.js'
import { addCheckers } from './checkers/add-checkers.js'
import { addShareCheckers } from './checkers/share/add-share-checkers.js'
import type { CallChecker } from './checkers/call-checker.js'
import { InvariantChecker } from './checkers/invariant-checker.js'
import { Deployments } from './deployments.js'
import { FaultInjector } from './faults.js'
import { describeIllness } from './healing.js'
import { History, type Call, type Place, type SimEvent } from './history.js'
import type { GroupOptions, SimOptions, WeatherOptions } from './options.js'
import { PLANTS } from './plants.js'
import { Scheduler, type Process } from './scheduler.js'
import { SimBrowser, type Weather } from './sim-browser.js'
import { between, Streams } from './streams.js'
import { Tab } from './tab.js'
import { Trace } from './trace.js'
import { WallClock } from './wall-clock.js'

const START_MS = 1_700_000_000_000
const SETUP_MS_MAX = 60_000
const REST_MS_MAX = 60_000
/** How often it is looked whether all is well, which takes a while. */
const LOOK_EVERY_MS = 100

/** Of calm weather. */
const NO_CHANCES: WeatherOptions['chances'] = {
  abortedCommit: 0,
  refusedCommit: 0,
  untoldCommit: 0,
  failedLoad: 0,
  failedRead: 0,
  deathAfterCommit: 0,
}

type Phase = 'setup' | 'traffic' | 'healing' | 'rest'

export interface WorldStats {
  readonly events: number
  readonly virtualMs: number
  readonly healMs: number | undefined
  readonly tabs: number
  readonly brokers: number
  readonly messages: number
  readonly handled: number
  readonly shareHandled: number
  readonly faults: Readonly<Record<string, number>>
}

export class World {
  readonly options: SimOptions
  readonly streams: Streams
  readonly trace: Trace
  readonly scheduler: Scheduler
  readonly clock: WallClock
  readonly deployments = new Deployments()
  readonly history: History
  readonly browser: SimBrowser
  readonly tabs: Tab[] = []
  readonly faults: FaultInjector
  readonly #user: Process
  readonly #reached = new Map<string, { from: number; to: number }>()
  #phase: Phase = 'setup'
  #phaseEndMs = 0
  readonly #messageIds = new Map<string, string[]>()
  #lastId = 0
  #brokerCount = 0
  #healMs: number | undefined
  #calls: CallChecker | undefined

  constructor(
    seed: number,
    options: SimOptions,
    { keepsTrace, checkers }: { keepsTrace: boolean; checkers: readonly string[] | undefined },
  ) {
    this.options = options
    this.streams = new Streams(seed)
    this.trace = new Trace(START_MS, keepsTrace)
    this.scheduler = new Scheduler(START_MS, this.trace)
    this.clock = new WallClock(this.scheduler)
    this.history = new History(() => this.scheduler.nowMs - START_MS, checkers)
    this.#user = this.scheduler.process('user')
    this.faults = new FaultInjector(this)
    this.browser = new SimBrowser({
      scheduler: this.scheduler,
      clock: this.clock,
      deployments: this.deployments,
      streams: this.streams,
      weather: () => this.weather(),
      limits: {
        tailBytes: options.tailBytes,
        transactionBytesMax: options.transactionBytesMax,
        retentionCheckIntervalMs: options.retentionCheckIntervalMs,
      },
      plant: options.plant === undefined ? undefined : PLANTS[options.plant],
      listener: {
        durable: (records, durability) => this.history.tellDurable(records, durability),
        told: (event) => this.#tell(event),
        fault: (name) => this.faults.count(name),
        brokerStarted: (_, { incarnation }) => {
          this.#brokerCount += 1
          this.#tell({ type: 'brokerStarted', incarnation })
        },
        workerDied: ({ process }, why) => {
          this.note(`${process.name} dies: ${why}`)
          this.#tell({ type: 'brokerDied' })
        },
        logged: (message, error) => this.#logged(message, error),
      },
    })
    this.#addCheckers()
  }

  get hasTraffic(): boolean {
    return this.#phase === 'traffic'
  }

  /** Everybody is to quit, and nobody comes any more. */
  get isAtRest(): boolean {
    return this.#phase === 'rest'
  }

  /** Calls of living tabs that have not settled. */
  get pendingCalls(): readonly Call[] {
    return this.#calls?.pending ?? []
  }

  get topicNames(): readonly TopicName[] {
    return this.options.topics.map(({ topic }) => topic as TopicName)
  }

  /** Runs all three parts, or up to the first violation. */
  async run(): Promise<void> {
    if (!(await this.#setUp())) return
    this.#phase = 'traffic'
    for (const slot of this.options.slots.keys()) this.openTab(slot)
    this.faults.start()
    if (!(await this.#runFor(this.options.faultMs, () => false))) return
    this.#phase = 'healing'
    this.note('healing begins')
    this.faults.stop()
    const sinceMs = this.scheduler.nowMs
    let nextLookMs = 0
    let wasWell = false
    // At two looks in a row: what was on its way to a broker that has only just woken shows then.
    const isHealed = () => {
      if (this.scheduler.nowMs < nextLookMs) return false
      nextLookMs = this.scheduler.nowMs + LOOK_EVERY_MS
      const wasWellBefore = wasWell
      wasWell = describeIllness(this).length === 0
      return wasWell && wasWellBefore
    }
    if (!(await this.#runFor(this.options.healMsMax, isHealed))) return
    for (const illness of describeIllness(this)) {
      this.#report('healing', `after ${this.options.healMsMax} ms: ${illness}`)
    }
    if (this.history.violations.length > 0) return
    this.#healMs = this.scheduler.nowMs - sinceMs
    await this.#comeToRest()
  }

  stats(): WorldStats {
    return {
      events: this.scheduler.eventCount,
      virtualMs: this.scheduler.nowMs - START_MS,
      healMs: this.#healMs,
      tabs: this.tabs.length,
      brokers: this.#brokerCount,
      messages: this.#lastId,
      handled: this.history.counts.get('handled') ?? 0,
      shareHandled: this.history.counts.get('shareHandled') ?? 0,
      faults: this.faults.counts,
    }
  }

  note(what: string): void {
    this.trace.add(this.scheduler.nowMs, 'world', what)
  }

  get messageCount(): number {
    return this.#lastId
  }

  nextId(): number {
    this.#lastId += 1
    return this.#lastId
  }

  /** The message ids that were used last in a topic: whoever sends there repeats some. */
  messageIdsOf(topic: string): string[] {
    const used = this.#messageIds.get(topic) ?? []
    this.#messageIds.set(topic, used)
    return used
  }

  groupOptions(index: number): GroupOptions {
    const group = this.options.groups[index]
    if (group === undefined) throw new Error(`there is no group ${index}`)
    return group
  }

  /** The groups, of either kind, that a tab of this slot has consumers of. */
  groupsOf(slot: number): readonly string[] {
    const { slots, shareGroups } = this.options
    const consumers = slots[slot]?.consumers ?? []
    const shares = shareGroups.filter(({ members }) => members.some((one) => one.slot === slot))
    return [
      ...consumers.map(({ group }) => this.groupOptions(group).groupId),
      ...shares.map(({ groupId }) => groupId),
    ]
  }

  /** Of a partition, the offsets that a group has handled so far: the first and the last. */
  handledUpTo(groupId: string, { topic, partition }: Place) {
    return this.#reached.get(`${groupId} ${topic}/${partition}`)
  }

  openTab(slot: number): Tab {
    const options = this.options.slots[slot]
    if (options === undefined) throw new Error(`there is no slot ${slot}`)
    const tab = new Tab(this, `tab ${slot}.${this.tabs.length}`, { slot, options })
    this.tabs.push(tab)
    this.note(`${tab.name} opens`)
    tab.open()
    return tab
  }

  isTaken(slot: number): boolean {
    return this.tabs.some((tab) => tab.slot === slot && tab.isAlive && !tab.isClosing)
  }

  /** Those with an app that could do something now. */
  awakeTabs(): readonly Tab[] {
    return this.tabs.filter((tab) => tab.process.isRunning && !tab.isClosing && tab.slot >= 0)
  }

  /** Nobody could do anything meanwhile: this part of the run takes so much longer. */
  goesOnFor(moreMs: number): void {
    this.#phaseEndMs += moreMs
    this.#user.schedule(this.#phaseEndMs - this.scheduler.nowMs, 'looks', () => {})
  }

  /** Every tab and worker is dead; the last so many transactions are gone. */
  tellPowerCut(lost: number): void {
    this.#reached.clear()
    this.history.tellPowerCut(lost)
  }

  /** The tab is gone. With the last one, the worker goes too. */
  tabDied(tab: Tab): void {
    if (!tab.isAlive) return
    tab.host.transport?.tabDied()
    this.#tell({ type: 'tabDied', tab: tab.name })
    this.browser.tabDied(tab.process)
  }

  /** The app has asked its user to load the page again, who does so sooner or later. */
  reloadLater(tab: Tab): void {
    if (tab.isClosing) return
    const prng = this.streams.of(`reload of ${tab.name}`)
    this.#user.schedule(between(prng, 1, 2_000), `reloads ${tab.name}`, () => {
      if (tab.isAlive && !tab.isClosing && !this.isAtRest) this.reload(tab)
    })
  }

  /** It comes back as a page of the deployment of now. */
  reload(tab: Tab): void {
    this.note(`${tab.name} is loaded again`)
    tab.host.hidePage({ mayReturn: false })
    this.tabDied(tab)
    if (tab.slot >= 0) this.openTab(tab.slot)
  }

  weather(): Weather {
    const { weather } = this.options
    return {
      messageDelayMsMax: weather.messageDelayMsMax,
      lockDelayMsMax: weather.lockDelayMsMax,
      storage: {
        latencyMsMax: weather.storageLatencyMsMax * this.faults.disk.slowness,
        isFull: this.faults.disk.isFull,
        chances: this.hasTraffic ? weather.chances : NO_CHANCES,
      },
    }
  }

  /** A tab without an app makes the topics, before anything goes wrong. */
  async #setUp(): Promise<boolean> {
    const tab = new Tab(this, 'tab setup', { slot: -1, options: { consumers: [], producers: [] } })
    this.tabs.push(tab)
    let isDone = false
    this.#user.schedule(0, 'sets up', () => {
      void tab.makeTopics().then(() => {
        isDone = true
      })
    })
    const goesOn = await this.#runFor(SETUP_MS_MAX, () => isDone)
    if (!isDone) this.#report('setup', 'the topics were not made')
    return goesOn && isDone
  }

  async #comeToRest(): Promise<void> {
    this.#phase = 'rest'
    this.note('everybody quits')
    for (const tab of this.tabs.filter((one) => one.isAlive)) {
      tab.process.schedule(0, 'quits', () => void tab.quit())
    }
    // A moment in which no call is under way may come before the first, or the last, begins to quit.
    const staying = () => this.tabs.filter((tab) => tab.isAlive && !tab.isClosing)
    const hasRested = () => staying().length === 0 && this.pendingCalls.length === 0
    if (!(await this.#runFor(REST_MS_MAX, hasRested))) return
    for (const { name } of staying()) this.#report('rest', `${name} has not quit`)
    this.#tell({ type: 'rest' })
  }

  /** Returns whether the run goes on: no violation so far. */
  async #runFor(forMs: number, isDone: () => boolean): Promise<boolean> {
    this.#phaseEndMs = this.scheduler.nowMs + forMs
    // Something is always due, so that the end is not missed.
    this.#user.schedule(forMs, 'looks', () => {})
    const hasEnded = () => {
      const { nowMs } = this.scheduler
      if (this.history.violations.length > 0 || nowMs >= this.#phaseEndMs) return true
      return isDone()
    }
    await this.scheduler.run(hasEnded, (process) => this.#audit(process))
    return this.history.violations.length === 0
  }

  /** Only what the worker itself does can change the broker's state. */
  #audit(process: Process): void {
    const { leader } = this.browser
    const broker = leader?.broker
    if (broker !== undefined && process === leader?.process) this.#tell({ type: 'audit', broker })
  }

  #tell(event: SimEvent): void {
    this.history.tell(event)
  }

  #addCheckers(): void {
    const { history, options } = this
    const { groups, shareGroups } = options
    const topics = new Set<string>(this.topicNames)
    this.#calls = addCheckers(history, { groups, topics, unawareMsMax: 5_000 })
    addShareCheckers(history, { groups: shareGroups, wallMs: () => this.clock.nowMs() })
    history.add('auditor', (parts) => new Auditor(parts))
    history.add('invariants', (parts) => new InvariantChecker(parts))
    history.listen(() => ({ on: (event: SimEvent) => this.#note(event) }))
  }

  /** What of the history is for the trace, and for who wants to know how far a group has come. */
  #note(event: SimEvent): void {
    if (event.type === 'handling' || event.type === 'handled') {
      const { reader, place, offset, id } = event
      const where = `${place.topic}/${place.partition}@${offset}`
      this.note(`${reader.consumer} ${event.type} ${where} (${id})`)
      if (event.type === 'handling') return
      const key = `${reader.groupId} ${place.topic}/${place.partition}`
      const reached = this.#reached.get(key) ?? { from: offset, to: offset }
      this.#reached.set(key, {
        from: Math.min(reached.from, offset),
        to: Math.max(reached.to, offset),
      })
    } else if (event.type === 'shareHandling' || event.type === 'shareHandled') {
      const { reader, place, offset, id, deliveryCount } = event
      const where = `${place.topic}/${place.partition}@${offset}`
      this.note(`${reader.consumer} ${event.type} ${where} (${id}), delivery ${deliveryCount}`)
    } else if (event.type === 'durable') {
      const isGone = (one: DurableRecord) => one.type === 'topic' && one.value === null
      if (event.records.some(isGone)) this.#reached.clear()
    } else if (event.type === 'settled') {
      const { tab, name } = event.call
      if (event.error !== undefined) this.note(`${tab} ${name}: ${String(event.error)}`)
    } else if (event.type === 'crashed' || event.type === 'shareCrashed') {
      this.note(`${event.reader.consumer} crashed: ${String(event.error)}`)
    }
  }

  #logged(message: string, error: unknown): void {
    this.note(`broker: ${message}: ${String(error)}`)
    this.#tell({ type: 'uncaught', where: 'broker', error })
  }

  #report(checker: string, message: string): void {
    this.history.report(checker, message)
  }
}
