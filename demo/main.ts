/**
 * The demo page: puts its parts together. Each tab sends, works and shows; what they have in common
 * is only the broker, and the ledger that checks it.
 */
import { Tabmq, TabmqError } from '../src/index.js'
import { AllWorkers } from './all-workers.js'
import { committedOf, tabName, viewOf, type ClusterView } from './cluster/cluster-view.js'
import { watchCluster } from './cluster/cluster-watch.js'
import { byId } from './dom.js'
import { Frame } from './frame.js'
import { Checker, type Verdict } from './ledger/checker.js'
import { Leaving } from './leaving.js'
import { LedgerStore } from './ledger/ledger-store.js'
import { Messages } from './messages.js'
import { BROKER, GROUP, PARTITIONS, TOPIC } from './names.js'
import { fetchSample, SAMPLE_KEY } from './sample.js'
import { MessageSender } from './sending/message-sender.js'
import { claimTabIdentity, clientIdOf, type TabIdentity } from './tab-identity.js'
import { Topic } from './topic.js'
import { TopicNews } from './topic-news.js'
import { BrokerView } from './views/broker-view.js'
import { CheckerView } from './views/checker-view.js'
import { FilePanel } from './views/file-panel.js'
import { PartitionsView } from './views/partitions-view.js'
import { ProduceForm } from './views/produce-form.js'
import { showTabLabel } from './views/tab-label.js'
import { TabsView } from './views/tabs-view.js'
import { ThisTabView } from './views/this-tab-view.js'
import { WorkTime } from './work-time.js'
import { TabWorker } from './worker/tab-worker.js'

/** Even when nothing happens: rates sink, and a worker becomes idle. */
const REDRAW_MS = 500

const messages = new Messages(byId('messages', HTMLElement), byId('notice', HTMLElement))

start().catch((error: unknown) => messages.fail('The demo did not start', error))

async function start(): Promise<void> {
  const leaving = new Leaving()
  const identity = await claimIdentity()
  const store = await LedgerStore.open(identity.run)
  const mq = new Tabmq({ name: BROKER, clientId: clientIdOf(identity.number) })
  const admin = mq.admin()
  const workTime = new WorkTime()
  const news = new TopicNews()
  const topic = new Topic({ admin, store, tab: identity.number })

  let view: ClusterView | undefined
  let verdict: Verdict | undefined
  const frame = new Frame(() => draw())

  const worker = new TabWorker({
    mq,
    store,
    identity,
    leaving,
    epoch: () => view?.topicId,
    workMs: () => workTime.ms,
    onChange: () => frame.ask(),
    onCrash: (error, { willRetry }) => reportCrash(error, willRetry),
  })
  leaving.onLeave(() => store.leave())
  const checker = new Checker({
    store,
    onVerdict: (latest) => {
      verdict = latest
      frame.ask()
    },
    onError: (error) => messages.fail('The checker cannot read its ledger', error),
  })
  const sender = new MessageSender({
    producer: mq.producer(),
    store,
    identity,
    topic: async () => ({ topicId: await news.topicId(), numPartitions: PARTITIONS }),
  })

  const checkerView = new CheckerView(byId('checker', HTMLElement), byId('verdict', HTMLElement))
  const partitionsView = new PartitionsView(
    byId('partitions', HTMLElement),
    byId('partitions-empty', HTMLElement),
  )
  const tabsView = new TabsView(byId('tabs', HTMLElement), identity.number)
  const thisTabView = new ThisTabView()
  const brokerView = new BrokerView()
  const files = new FilePanel({ sender, messages })
  // oxlint-disable-next-line no-new
  new ProduceForm({ sender, onError: (error) => messages.fail('The message was not sent', error) })

  function draw(): void {
    thisTabView.update(worker.status(performance.now()))
    if (verdict !== undefined) checkerView.update(verdict)
    if (view === undefined) return
    partitionsView.update(view.partitions)
    tabsView.update(view.tabs, verdict?.handledByTab ?? new Map())
    brokerView.update(view.broker)
  }

  const startWorker = () =>
    worker.start().catch((error: unknown) => messages.fail('The worker did not start', error))
  const stopWorker = () =>
    worker.stop().catch((error: unknown) => messages.fail('The worker did not stop', error))
  const allWorkers = new AllWorkers((wish) => {
    void (wish === 'start' ? startWorker() : stopWorker())
  })

  onClick('open-tab', openTab)
  onClick('load-sample', () => sendSample(files))
  onClick('pause', () => worker.setPaused(!worker.status(0).isPaused))
  onClick('stop', () => (worker.status(0).isStarted ? stopWorker() : startWorker()))
  onClick('skip', () => worker.skipNext())
  onClick('stop-all', () => allWorkers.ask('stop'))
  onClick('start-all', () => allWorkers.ask('start'))
  onClick('clear', () => attempt('The topic was not cleared', () => topic.clear()))
  onClick('replay', () =>
    attempt('The replay did not begin', async () => {
      await topic.replay(await news.topicId())
      messages.say('info', 'The group is back at the beginning. Start the workers to replay.')
    }),
  )

  setInterval(() => frame.ask(), REDRAW_MS)
  void watchCluster({
    admin,
    onState: (state) => {
      view = viewOf(state, { topic: TOPIC, group: GROUP })
      news.update(view.topicId)
      if (view.topicId !== undefined) checker.update(view.topicId, committedOf(view, GROUP))
      frame.ask()
    },
    onStorage: (storage) => brokerView.updateStorage(storage),
    onError: (error) => messages.fail('The view of the broker was interrupted', error),
  })
  await topic.ensure()
  await worker.start()
}

async function claimIdentity(): Promise<TabIdentity> {
  const identity = await claimTabIdentity()
  const label = byId('identity', HTMLElement)
  const name = tabName(clientIdOf(identity.number))
  showTabLabel(label, name)
  label.hidden = false
  document.title = `${name.text} · tabmq demo`
  return identity
}

function onClick(id: string, action: () => unknown): void {
  byId(id, HTMLButtonElement).addEventListener('click', () => void action())
}

function reportCrash(error: unknown, willRetry: boolean): void {
  if (error instanceof TabmqError && error.code === 'UNKNOWN_TOPIC_OR_PARTITION') {
    messages.say('info', `The topic was cleared while this tab worked on it: ${error.code}.`)
  } else if (willRetry) {
    messages.fail('The worker of this tab met an error and tries again', error)
  } else {
    messages.fail('The worker of this tab has stopped', error)
  }
}

async function attempt(failure: string, action: () => Promise<void>): Promise<void> {
  try {
    await action()
  } catch (error) {
    messages.fail(failure, error)
  }
}

function openTab(): void {
  const opened = window.open(location.href, '_blank')
  if (opened === null) {
    messages.say(
      'problem',
      'The browser blocked the new tab. Please allow pop-ups for this page, or open its address by hand.',
    )
  } else {
    opened.opener = null
  }
}

async function sendSample(files: FilePanel): Promise<void> {
  await attempt('The sample was not sent', async () => {
    const file = await fetchSample()
    const preview = { kind: 'csv', columns: [], keyColumn: SAMPLE_KEY } as const
    await files.send({ file, preview }, { by: 'column', column: SAMPLE_KEY })
  })
}
