/**
 * The demo page: puts its parts together. Each tab sends, works and shows; what they have in common
 * is only the broker, and the ledger that checks it.
 */
import { Tabmq } from '../src/index.js'
import { committedOf, tabName, viewOf, type ClusterView } from './cluster/cluster-view.js'
import { watchCluster } from './cluster/cluster-watch.js'
import { Controls, reportWorkerError } from './controls.js'
import { byId } from './dom.js'
import { ExchangePanel } from './exchange/exchange-panel.js'
import { Frame } from './frame.js'
import { Checker, type Verdict } from './ledger/checker.js'
import { Leaving } from './leaving.js'
import { LedgerStore } from './ledger/ledger-store.js'
import { Messages } from './messages.js'
import { BROKER, GROUP, PARTITIONS, TOPIC } from './names.js'
import { Presence } from './presence.js'
import { QueuePanel } from './queue/queue-panel.js'
import { MessageSender } from './sending/message-sender.js'
import { watchStickyHeight } from './sticky.js'
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
import { WholePage } from './whole-page.js'
import { WorkTime } from './work-time.js'
import { TabWorker } from './worker/tab-worker.js'

/** Even when nothing happens: rates sink, and a worker becomes idle. */
const REDRAW_MS = 500

const messages = new Messages(byId('messages', HTMLElement), new WholePage())

watchStickyHeight(byId('sticky', HTMLElement))
start().catch((error: unknown) => messages.fail('start', 'The demo did not start', error))

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
    onError: (failure) => reportWorkerError(messages, failure),
    onRecovery: () => messages.forget('worker'),
  })
  leaving.onLeave(() => store.leave())
  const presence = new Presence({
    identity,
    leaving,
    onCrash: async ({ number: tab, run }) => {
      const epoch = await news.topicId()
      await store.append({ kind: 'crash', epoch, tab, run, atMs: Date.now() })
    },
  })
  const checker = new Checker({
    store,
    onVerdict: (latest) => {
      verdict = latest
      messages.forget('checker')
      frame.ask()
    },
    onError: (error) => messages.fail('checker', 'The checker cannot read its ledger', error),
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
  const producer = mq.producer()
  const queuePanel = new QueuePanel({ mq, admin, producer, messages })
  const exchangePanel = new ExchangePanel({ admin, producer, messages })
  // oxlint-disable-next-line no-new
  new ProduceForm({ sender, messages })

  function draw(): void {
    thisTabView.update(worker.status(performance.now()))
    if (verdict !== undefined) checkerView.update(verdict)
    if (view === undefined) return
    partitionsView.update(view.partitions)
    tabsView.update(view.tabs, verdict?.handledByTab ?? new Map())
    brokerView.update(view.broker)
  }

  // oxlint-disable-next-line no-new
  new Controls({ worker, topic, news, files, messages })

  setInterval(() => frame.ask(), REDRAW_MS)
  void watchCluster({
    admin,
    onState: (state) => {
      messages.forget('broker')
      view = viewOf(state, { topic: TOPIC, group: GROUP })
      news.update(view.topicId)
      queuePanel.update(state)
      exchangePanel.update(state)
      if (view.topicId !== undefined) checker.update(view.topicId, committedOf(view, GROUP))
      frame.ask()
    },
    onStorage: (storage) => brokerView.updateStorage(storage),
    onError: (error) => messages.fail('broker', 'The view of the broker was interrupted', error),
  })
  await presence.begin()
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
