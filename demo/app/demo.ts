/**
 * The demo behind its page: this tab's producer, worker and checker, and what the page shows of them.
 * Each tab has one; what they have in common is only the broker, and the ledger that checks it.
 * Everything here is soft state.
 */
import {
  Tabmq,
  TabmqError,
  type Admin,
  type AssignorName,
  type ClusterState,
  type StorageEstimate,
} from '../../src/index.js'
import { startBrokerWorker } from '../broker-process.js'
import { Samples, type Series } from '../charts/samples.js'
import { committedOf, viewOf, type ClusterView } from '../cluster/cluster-view.js'
import { watchCluster } from '../cluster/cluster-watch.js'
import { Publisher } from '../exchange/publisher.js'
import { Checker, type Verdict } from '../ledger/checker.js'
import { OutsideChanges } from '../ledger/outside-changes.js'
import { LedgerStore } from '../ledger/ledger-store.js'
import { pickedStill, type PickedRecord } from '../logs/picked-record.js'
import { BROKER, GROUP, PARTITIONS, TOPIC } from '../names.js'
import { Outbox } from '../outbox/outbox.js'
import { Presence } from '../presence.js'
import { Jobs } from '../queue/jobs.js'
import { FileSending } from '../sending/file-sending.js'
import { Generator } from '../sending/generator.js'
import { MessageSender, type MessageToSend } from '../sending/message-sender.js'
import { closeThisTab, wasOpenedByPage } from '../tabs/open-tabs.js'
import { claimTabIdentity, clientIdOf, type TabIdentity } from '../tab-identity.js'
import type { TabReport } from '../tabs/tab-report.js'
import { TabReports } from '../tabs/tab-reports.js'
import { TabRoster, type TabCard } from '../tabs/tab-roster.js'
import { Rebalances, type Rebalance } from '../timeline/rebalances.js'
import { SecondGroup } from '../worker/second-group.js'
import { SetAside } from '../worker/set-aside.js'
import { TabWorker, type WorkerStatus } from '../worker/tab-worker.js'
import { WorkTimer } from '../worker/work-timer.js'
import { Cell } from './cell.js'
import { Frame } from './frame.js'
import { Leaving } from './leaving.js'
import type { Messages } from './messages.js'
import { oneOf, SharedSetting, wholeNumber } from './shared-setting.js'
import { Topic } from './topic.js'
import { TopicNews } from './topic-news.js'
import { UnderWay } from './under-way.js'

/** Even when nothing happens: rates sink, and a worker becomes idle. */
const REDRAW_MS = 500
const SAMPLE_MS = 500

/** What the page shows of the broker, all of one moment. */
export interface Shown {
  readonly state: ClusterState | undefined
  readonly view: ClusterView | undefined
  readonly verdict: Verdict | undefined
  readonly worker: WorkerStatus
  readonly tabs: readonly TabCard[]
  /** The newest first. */
  readonly rebalances: readonly Rebalance[]
  readonly series: Series
}

export class Demo {
  readonly identity: TabIdentity
  readonly messages: Messages
  readonly underWay = new UnderWay()
  readonly mq: Tabmq
  readonly admin: Admin
  readonly topic: Topic
  readonly news = new TopicNews()
  readonly worker: TabWorker
  readonly sender: MessageSender
  readonly files: FileSending
  readonly generator: Generator
  readonly secondGroup: SecondGroup
  readonly setAside: SetAside
  readonly outbox: Outbox
  readonly jobs: Jobs
  readonly publisher: Publisher
  /** How long a message takes, in ms, in all tabs. */
  readonly workMs = new SharedSetting('work-ms', wholeNumber(2, { min: 0, max: 50 }))
  /** How partitions are dealt, and whether members come back as who they were: in all tabs. */
  readonly assignor = new SharedSetting(
    'assignor',
    oneOf<AssignorName>(['uniform', 'range', 'roundrobin', 'sticky']),
  )
  readonly membership = new SharedSetting(
    'membership',
    oneOf<'dynamic' | 'static'>(['dynamic', 'static']),
  )
  /** Changes ten times a second at the most, and not while the page is hidden. */
  readonly shown: Cell<Shown>
  /** The topic that the stage shows. */
  readonly topicShown = new Cell<string>(TOPIC)
  /** The record that is looked at. */
  readonly picked = new Cell<PickedRecord | undefined>(undefined)
  readonly storage = new Cell<StorageEstimate | undefined>(undefined)
  readonly #leaving: Leaving
  readonly #store: LedgerStore
  readonly #frame = new Frame(() => this.#show())
  readonly #timer = new WorkTimer()
  readonly #roster = new TabRoster()
  readonly #outside = new OutsideChanges(GROUP)
  readonly #rebalances = new Rebalances({ topic: TOPIC, group: GROUP })
  readonly #samples = new Samples({ topic: TOPIC, group: GROUP })
  #series = this.#samples.series()
  #reports: TabReports | undefined
  #state: ClusterState | undefined
  #view: ClusterView | undefined
  #verdict: Verdict | undefined

  static async prepare(messages: Messages): Promise<Demo> {
    const leaving = new Leaving()
    const identity = await claimTabIdentity()
    const store = await LedgerStore.open(identity.run)
    return new Demo({ messages, leaving, identity, store })
  }

  private constructor(parts: {
    messages: Messages
    leaving: Leaving
    identity: TabIdentity
    store: LedgerStore
  }) {
    const { messages, leaving, identity, store } = parts
    const { underWay } = this
    this.messages = messages
    this.identity = identity
    this.#leaving = leaving
    this.#store = store
    const clientId = clientIdOf(identity.number)
    const mq = new Tabmq({ name: BROKER, clientId, worker: startBrokerWorker })
    const producer = mq.producer()
    const admin = mq.admin()
    this.mq = mq
    this.admin = admin
    this.topic = new Topic({ admin, store, tab: identity.number })
    this.worker = new TabWorker({
      mq,
      store,
      identity,
      leaving,
      epoch: () => this.#view?.topicId,
      hasGrown: () => (this.#view?.partitions.length ?? 0) > PARTITIONS,
      group: () => ({
        assignor: this.assignor.value,
        isStatic: this.membership.value === 'static',
      }),
      setAside: (partition, message) => this.setAside.maybeSetAside(partition, message),
      timer: this.#timer,
      workMs: () => this.workMs.value,
      onChange: () => this.#frame.ask(),
      onError: (failure) => reportWorkerError(messages, failure),
      onRecovery: () => messages.forget('worker'),
    })
    leaving.onLeave(() => store.leave())
    this.sender = new MessageSender({
      producer,
      store,
      identity,
      topic: async () => {
        const topicId = await this.news.topicId()
        return { topicId, numPartitions: this.#view?.partitions.length ?? PARTITIONS }
      },
    })
    this.generator = new Generator({
      sender: this.sender,
      timer: this.#timer,
      onError: (error) => messages.fail('message', 'The messages were not sent', error),
    })
    this.secondGroup = new SecondGroup({ mq, timer: this.#timer })
    this.setAside = new SetAside({ admin, producer })
    this.outbox = new Outbox({ mq, admin, producer, messages, underWay })
    this.files = new FileSending({ sender: this.sender, messages })
    this.jobs = new Jobs({ mq, admin, producer, messages, underWay })
    this.publisher = new Publisher({ admin, producer, messages })
    this.shown = new Cell(this.#now())
  }

  /** Connects, and starts this tab's worker. @throws TabmqError */
  async begin(): Promise<void> {
    const { messages } = this
    const presence = new Presence({
      identity: this.identity,
      leaving: this.#leaving,
      onCrash: async ({ number: tab, run }) => {
        const epoch = await this.news.topicId()
        await this.#store.append({ kind: 'crash', epoch, tab, run, atMs: Date.now() })
      },
    })
    const checker = new Checker({
      store: this.#store,
      onVerdict: (verdict) => {
        this.#verdict = verdict
        messages.forget('checker')
        this.#frame.ask()
      },
      onError: (error) => messages.fail('checker', 'The checker cannot read its ledger', error),
    })
    setInterval(() => this.#frame.ask(), REDRAW_MS)
    setInterval(() => this.#sample(), SAMPLE_MS)
    this.#reports = new TabReports({
      timer: this.#timer,
      report: () => this.#report(),
      onReport: (report) => {
        this.#roster.hear(report)
        this.#frame.ask()
      },
      onWish: (wish) => (wish === 'close' ? closeThisTab() : location.reload()),
    })
    void watchCluster({
      admin: this.admin,
      onState: (state) => {
        messages.forget('broker')
        this.#take(state, checker)
      },
      onStorage: (storage) => this.storage.set(storage),
      onError: (error) => messages.fail('broker', 'The view of the broker was interrupted', error),
    })
    const rejoin = () => {
      const failure = 'The worker did not join again'
      void messages.attempt('worker', failure, () => this.worker.rejoin())
    }
    this.assignor.cell.listen(rejoin)
    this.membership.cell.listen(rejoin)
    await presence.begin()
    await this.topic.ensure()
    await this.worker.start()
    this.outbox.begin()
  }

  #take(state: ClusterState, checker: Checker): void {
    const view = viewOf(state, { topic: TOPIC, group: GROUP })
    const before = this.#state
    this.#state = state
    this.#view = view
    if (before !== undefined && before.incarnation !== state.incarnation) void this.#noteNewBroker()
    if (before !== undefined) this.picked.set(pickedStill(this.picked.value, { before, state }))
    this.news.update(view.topicId)
    void this.#noteOutsideChanges(view)
    this.#rebalances.note(state)
    this.#samples.look(state)
    this.jobs.look(state)
    if (view.topicId !== undefined) checker.update(view.topicId, committedOf(view, GROUP))
    this.#frame.ask()
  }

  /** As the broker has it now, also while this page is hidden and shows nothing new. */
  tabCount(): number {
    return this.#view?.tabs.length ?? 0
  }

  /** Of the broker that was heard of last. */
  incarnation(): string | undefined {
    return this.#state?.incarnation
  }

  /** Asks another tab to close, one that a page has opened; undefined when there is none. */
  closeOneTab(): number | undefined {
    const others = this.#roster.reports().filter(({ tab }) => tab !== this.identity.number)
    const last = others.filter(({ canBeClosed }) => canBeClosed).at(-1)?.tab
    if (last !== undefined) this.#reports?.askToClose(last)
    return last
  }

  hasTab(tab: number): boolean {
    return this.#view?.tabs.some(({ name }) => name.number === tab) === true
  }

  /** One that works; false when there is none. */
  reloadAnotherTab(): boolean {
    const { messages } = this
    messages.forget('new tab')
    const other = this.#roster.reports().find(({ tab }) => tab !== this.identity.number)
    if (other === undefined) messages.say('new tab', 'info', 'There is no other tab to reload.')
    else this.#reports?.askToReload(other.tab)
    return other !== undefined
  }

  /** Sends messages, and says what fails. */
  sendAll(wishes: readonly MessageToSend[]): Promise<void> {
    const failure = 'The messages were not sent'
    return this.messages.attempt('message', failure, () => this.sender.send(wishes))
  }

  #report(): Omit<TabReport, 'atMs' | 'isVisible' | 'isFreezing'> {
    const { state, handled, perSecond, trouble, heartbeatAtMs } = this.worker.status(
      performance.now(),
    )
    const { number: tab, run } = this.identity
    return {
      tab,
      run,
      worker: state,
      handled,
      perSecond,
      trouble,
      heartbeatAtMs: state === 'stopped' ? undefined : heartbeatAtMs,
      canBeClosed: wasOpenedByPage(),
    }
  }

  #sample(): void {
    if (this.#state === undefined) return
    this.#samples.note(this.#state, Date.now())
    this.#series = this.#samples.series()
    this.#frame.ask()
  }

  /** For the checker, too. */
  async #noteOutsideChanges(view: ClusterView): Promise<void> {
    const { topicId } = view
    const changes = this.#outside.note(view)
    if (topicId === undefined) return
    const { number: tab } = this.identity
    const own = { epoch: topicId, tab, atMs: Date.now() }
    try {
      await Promise.all(changes.map((change) => this.#store.append({ ...change, ...own })))
    } catch (error) {
      this.messages.fail('checker', 'What happened to the group was not written down', error)
    }
  }

  /** For the checker: what was not committed when the last one died comes again. */
  async #noteNewBroker(): Promise<void> {
    const { number: tab } = this.identity
    try {
      const { startedAtMs } = await this.admin.describeCluster()
      const epoch = await this.news.topicId()
      await this.#store.append({ kind: 'broker', epoch, tab, atMs: Date.now(), startedAtMs })
    } catch (error) {
      this.messages.fail('checker', 'That the broker is another was not written down', error)
    }
  }

  #show(): void {
    this.shown.set(this.#now())
  }

  #now(): Shown {
    return {
      state: this.#state,
      view: this.#view,
      verdict: this.#verdict,
      worker: this.worker.status(performance.now()),
      tabs: this.#view === undefined ? [] : this.#roster.cards(this.#view, GROUP, Date.now()),
      rebalances: this.#rebalances.all,
      series: this.#series,
    }
  }
}

/** That the topic is cleared while a tab works on it is expected, and said by whoever clears it. */
function reportWorkerError(
  messages: Messages,
  { error, willRetry }: { error: unknown; willRetry: boolean },
): void {
  const isCleared = error instanceof TabmqError && error.code === 'UNKNOWN_TOPIC_OR_PARTITION'
  if (willRetry && isCleared) return
  const what = willRetry
    ? 'The worker of this tab met an error and tries again'
    : 'The worker of this tab has stopped'
  messages.fail('worker', what, error)
}
