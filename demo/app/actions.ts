/** What the page's buttons do, and what is said when it fails. */
import { killBroker } from '../broker-process.js'
import { DATA_SETS, fetchDataSet, SAMPLE, type DataSet } from '../datasets/data-sets.js'
import { DEAD_ROWS, GROUP, POISON_HEADER } from '../names.js'
import { openTab } from '../tabs/open-tabs.js'
import { AllWorkers, type Wish } from './all-workers.js'
import type { Demo } from './demo.js'
import type { ResetTo } from './topic.js'

/** How long a new tab may take to be there, and for how long it may still come after that was said. */
const TAB_PATIENCE_MS = 6_000
const LATE_TAB_MS = 60_000
/** So often what is waited for is looked at. */
const LOOK_MS = 50
/** How long a tab may take to close. */
const CLOSE_PATIENCE_MS = 5_000
/** How long the next broker may take to be there, until it may be killed as well. */
const BROKER_PATIENCE_MS = 5_000
/** How long workers may take to stop: one that hangs does not. */
const GROUP_PATIENCE_MS = 15_000
const HALT_MS_MAX = 30_000
const SLOW_MS = 1_500
const WAITING_FOR_GROUP =
  'Offsets are set when nobody is in the group. It waits for its workers to leave: for one that hangs, and for static members, whose places are kept for ten seconds.'
const POISON_GOES_ASIDE = `The poison message goes to ${DEAD_ROWS}, and its partition does not wait, since “Set it aside” is chosen.`
const PARTITIONS_ADDED = 2

export class Actions {
  readonly #demo: Demo
  readonly #allWorkers: AllWorkers
  #isHalted = false
  #goingOn: ReturnType<typeof setTimeout> | undefined

  constructor(demo: Demo) {
    this.#demo = demo
    this.#allWorkers = new AllWorkers((wish) => void this.#heed(wish))
    addEventListener('online', () => demo.messages.forget('offline'))
    demo.topic.onClearedElsewhere((tab) => {
      demo.messages.forget('replay')
      demo.messages.say('clear', 'info', `Tab ${tab} cleared the topic.`)
    })
  }

  /**
   * Each in a process of its own, so that they do not share a thread. Resolves when they are there, or when
   * it was said that they are not.
   */
  openTabs(count: number): Promise<void> {
    return this.#demo.underWay.once(`open tabs: ${count}`, () => this.#openTabs(count))
  }

  async #openTabs(count: number): Promise<void> {
    const { messages } = this.#demo
    messages.forget('new tab')
    const before = this.#demo.tabCount()
    let came = 0
    for (let opened = 0; opened < count; opened++) openTab()
    // Others may close meanwhile: what counts is how many there were at once.
    const haveCome = () => {
      came = Math.max(came, this.#demo.tabCount() - before)
      return came >= count
    }
    if (await within(TAB_PATIENCE_MS, haveCome)) return
    const some = came > 0 ? `The browser let ${came} of ${count} through` : 'No new tab has come'
    const why = navigator.onLine
      ? 'it may block pop-ups. Please allow them for this page, or open its address by hand.'
      : 'you are offline, and a new tab has to load the page.'
    // What is said for being offline is over when one is online.
    messages.say(navigator.onLine ? 'new tab' : 'offline', 'problem', `${some}: ${why}`)
    void within(LATE_TAB_MS, haveCome).then((areLate) => {
      if (!areLate) return
      messages.forget('new tab')
      messages.forget('offline')
    })
  }

  /** Resolves when it is gone, or when it was said that it is not. */
  closeTab(): Promise<void> {
    return this.#demo.underWay.once('close a tab', () => this.#closeTab())
  }

  async #closeTab(): Promise<void> {
    const { messages } = this.#demo
    messages.forget('new tab')
    messages.forget('close tab')
    const tab = this.#demo.closeOneTab()
    if (tab === undefined) {
      const text =
        'There is no tab that this page has opened. Tabs that you opened, only you can close.'
      messages.say('close tab', 'info', text)
      return
    }
    const isGone = () => !this.#demo.hasTab(tab)
    if (await within(CLOSE_PATIENCE_MS, isGone)) return
    const text = `Tab ${tab} has not closed: it hangs, or its browser lets only you close it.`
    messages.say('close tab', 'problem', text)
    void within(LATE_TAB_MS, isGone).then((isLate) => {
      if (isLate) messages.forget('close tab')
    })
  }

  startWorker(): Promise<void> {
    const { messages, worker } = this.#demo
    messages.forget('replay')
    return messages.attempt('worker', 'The worker did not start', () => worker.start())
  }

  stopWorker(): Promise<void> {
    const { messages, worker } = this.#demo
    return messages.attempt('worker', 'The worker did not stop', () => worker.stop())
  }

  async #heed(wish: Wish): Promise<void> {
    const { worker } = this.#demo
    switch (wish) {
      case 'start':
        return this.startWorker()
      case 'stop':
        this.#isHalted = false
        clearTimeout(this.#goingOn)
        return this.stopWorker()
      case 'halt':
        // Who halts twice, as two tabs may ask for it, goes on nevertheless.
        this.#isHalted ||= worker.status(performance.now()).isStarted
        // The tab that halted it may be gone before it says how to go on.
        clearTimeout(this.#goingOn)
        this.#goingOn = setTimeout(() => void this.#heed('go on'), HALT_MS_MAX)
        return this.stopWorker()
      case 'stop sending':
        return this.#demo.generator.stop()
      case 'go on': {
        clearTimeout(this.#goingOn)
        const wasHalted = this.#isHalted
        this.#isHalted = false
        if (wasHalted) await this.startWorker()
      }
    }
  }

  startAll(): void {
    this.#allWorkers.ask('start')
  }

  stopAll(): void {
    this.#allWorkers.ask('stop')
  }

  /** Somebody has deleted it, as the console can. */
  makeTopicAgain(): Promise<void> {
    const { messages, topic, underWay } = this.#demo
    return underWay.once('make the topic', () =>
      messages.attempt('clear', 'The topic was not made', () => topic.ensure()),
    )
  }

  /** What tabs send at a rate, in all of them. */
  stopFlows(): void {
    this.#allWorkers.ask('stop sending')
  }

  clear(): Promise<void> {
    const { messages, topic, underWay } = this.#demo
    return underWay.once('clear', () => {
      messages.forget('replay')
      return messages.attempt('clear', 'The topic was not cleared', () => topic.clear())
    })
  }

  /** Sets the group to another place: its workers stop, and start again from there. */
  reset(to: ResetTo): Promise<void> {
    const { messages, news, topic, underWay } = this.#demo
    return underWay.once('reset', () =>
      messages.attempt('replay', 'The group was not set back', async () => {
        this.#allWorkers.ask('halt')
        try {
          await this.#untilGroupIsEmpty()
          await topic.reset(await news.topicId(), to)
        } finally {
          this.#allWorkers.ask('go on')
        }
      }),
    )
  }

  addPartitions(): Promise<void> {
    const { messages, topic, underWay } = this.#demo
    const failure = 'The partitions were not added'
    return underWay.once('add partitions', () =>
      messages.attempt('group', failure, () => topic.addPartitions(PARTITIONS_ADDED)),
    )
  }

  /** Of two at once the last is what stays: the broker takes them in order. */
  async keepBytes(bytes: number | null): Promise<void> {
    const { messages, topic } = this.#demo
    await messages.attempt('group', 'The retention was not changed', () => topic.keepBytes(bytes))
  }

  toggleSecondGroup(): Promise<void> {
    const { messages, secondGroup } = this.#demo
    return messages.attempt('group', 'The second group did not start', () =>
      secondGroup.isOn.value ? secondGroup.stop() : secondGroup.start(),
    )
  }

  sendPoison(): Promise<void> {
    const { messages, sender, setAside, underWay } = this.#demo
    const value = 'nobody can handle this'
    const message = { key: 'poison', value, headers: { [POISON_HEADER]: 'yes' } }
    return underWay.once('send poison', () =>
      messages.attempt('message', 'The message was not sent', async () => {
        await sender.send([message])
        if (setAside.policy.value === 'retry') return
        messages.say('message', 'info', POISON_GOES_ASIDE)
      }),
    )
  }

  sendDataSet(dataSet: DataSet): Promise<void> {
    return this.#demo.underWay.once(`send the data set ${dataSet.id}`, () =>
      this.#sendDataSet(dataSet),
    )
  }

  async #sendDataSet(dataSet: DataSet): Promise<void> {
    const { files, messages } = this.#demo
    messages.forget('offline')
    if (!navigator.onLine)
      messages.say('offline', 'info', 'You are offline: data sets have to be fetched.')
    await messages.attempt('file', `${dataSet.title} were not sent`, async () => {
      const file = await fetchDataSet(dataSet)
      // The browser had it, or is online again.
      messages.forget('offline')
      const { kind, key } = dataSet
      const preview = { kind, columns: [], keyColumn: key } as const
      await files.send({ file, preview }, { by: 'column', column: key })
    })
  }

  async sendDataSetById(wanted: string): Promise<void> {
    const found = DATA_SETS.find(({ id }) => id === wanted)
    if (found !== undefined) await this.sendDataSet(found)
  }

  sendSample(): Promise<void> {
    return this.sendDataSet(SAMPLE)
  }

  /** Resolves when there is another one, or none for long. */
  killBroker(): Promise<void> {
    const { messages, underWay } = this.#demo
    return underWay.once('kill the broker', async () => {
      messages.forget('broker')
      const before = this.#demo.incarnation()
      killBroker()
      await within(BROKER_PATIENCE_MS, () => this.#demo.incarnation() !== before)
    })
  }

  /** The browser decides by itself, or asks. */
  keepStorage(): Promise<void> {
    const { messages, underWay } = this.#demo
    return underWay.once('keep storage', () =>
      messages.attempt('storage', 'The browser was not asked', async () => {
        const isKept = await navigator.storage.persist()
        const yes = 'The browser has promised not to clear the storage by itself.'
        const no =
          'The browser made no promise. It does so for sites that are used often, bookmarked or installed.'
        messages.say('storage', 'info', isKept ? yes : no)
      }),
    )
  }

  /** @throws Error when others stay in it */
  async #untilGroupIsEmpty(): Promise<void> {
    const { admin, messages } = this.#demo
    const isEmpty = async () => {
      const groups = await admin.listGroups()
      const group = groups.find(({ groupId }) => groupId === GROUP)
      return group === undefined || group.state === 'empty'
    }
    if (await within(SLOW_MS, isEmpty)) return
    messages.say('replay', 'info', WAITING_FOR_GROUP)
    if (!(await within(GROUP_PATIENCE_MS - SLOW_MS, isEmpty))) {
      throw new Error('some worker did not stop in time')
    }
    messages.forget('replay')
  }
}

/** Looks until it is so, for so long at the most. @returns whether it is */
async function within(
  patienceMs: number,
  isSo: () => boolean | Promise<boolean>,
): Promise<boolean> {
  const sinceMs = performance.now()
  while (!(await isSo())) {
    if (performance.now() - sinceMs > patienceMs) return false
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
  return true
}
