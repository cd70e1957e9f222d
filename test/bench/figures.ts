/**
 * The figures: what is measured, against what, and what was to be reached. Each prepares once and
 * then gives a list of contenders, which the bench lets run in turn, round by round. The first is
 * tabmq; the second is whom it is compared with; others are there for the reader.
 */
import type { BenchBrowser, BenchTab } from './bench-browser.js'
import type { Scale } from './scale.js'
import type { Sizes } from './site.js'

export interface Figure {
  readonly name: string
  readonly what: string
  readonly unit: string
  /** Whether the ratio to the peer counts, or the value itself; and which way is better. */
  readonly target: {
    readonly of: 'ratio' | 'value'
    readonly isAtLeast: boolean
    readonly must: number
    readonly aim: number
  }
  prepare(parts: Parts): Promise<Prepared>
}

export interface Contender {
  readonly name: string
  /** What is certain when the call is answered. */
  readonly guarantee: string
  /** One round's value, in the figure's unit. */
  readonly measure: () => Promise<number>
}

/** The broker that most figures are measured with. */
export const BROKER = 'bench'

export interface Prepared {
  readonly contenders: readonly [Contender, ...Contender[]]
  /** So many instead of the run's, for what takes long or is the same each time. */
  readonly rounds?: number
  readonly isWarm?: boolean
  /** Said of the values afterwards. */
  readonly note?: () => string
  readonly close?: () => Promise<void>
}

export interface Parts {
  readonly browser: BenchBrowser
  /** One that has been there from the beginning. */
  readonly tab: BenchTab
  /** Another browser, new and empty. */
  readonly startBrowser: () => Promise<BenchBrowser>
  readonly scale: Scale
  readonly sizes: () => Promise<Sizes>
}

const PER_SEND = 1_000
/** Of one core: what a browser uses that does nothing but say so. */
const SETTLED_PERCENT = 2
const ACKS_1 = 'committed (relaxed), in order per key, deduplicated'
const RELAXED_ROWS = 'committed (relaxed)'
const PORT_AND_PUT = 'one row committed (relaxed), nothing else'

const atLeast = (must: number, aim: number): Figure['target'] => ({
  of: 'ratio',
  isAtLeast: true,
  must,
  aim,
})
const atMost = (must: number, aim: number, of: 'ratio' | 'value' = 'ratio'): Figure['target'] => ({
  of,
  isAtLeast: false,
  must,
  aim,
})

/** `send` of 1,000 messages again and again, so many under way. */
function produceFigure(
  name: string,
  what: string,
  underWay: number,
  target: Figure['target'],
): Figure {
  return {
    name,
    what,
    unit: 'msgs/s',
    target,
    async prepare({ tab, scale }) {
      const topic = await newTopic(tab, name, 6)
      const load = { topic, sends: scale.sends, messages: PER_SEND, underWay }
      return {
        contenders: [
          {
            name: 'tabmq',
            guarantee: ACKS_1,
            measure: () => tab.call('tabmq', 'send', BROKER, load),
          },
          {
            name: 'idb',
            guarantee: RELAXED_ROWS,
            measure: () => tab.call('idb', 'add', scale.peerSends, PER_SEND, underWay),
          },
          {
            name: 'Dexie bulkAdd',
            guarantee: RELAXED_ROWS,
            measure: () => tab.call('dexie', 'bulkAdd', scale.peerSends, PER_SEND, underWay),
          },
        ],
        async close() {
          await tab.call('tabmq', 'deleteTopic', BROKER, topic)
          await tab.call('idb', 'clear')
          await tab.call('dexie', 'clear')
        },
      }
    },
  }
}

/** A cold group drains a topic that a worker has which was just started. */
function drainFigure(
  name: string,
  what: string,
  by: 'eachBatch' | 'eachMessage',
  target: Figure['target'],
): Figure {
  return {
    name,
    what,
    unit: 'msgs/s',
    target,
    async prepare({ tab, browser, scale }) {
      const topic = 'drained'
      const messages = scale.drained
      await fill(tab, 'drain', topic, 6, messages)
      await tab.call('dexie', 'clear')
      await tab.call('dexie', 'bulkAdd', scale.drainedByPeer / PER_SEND, PER_SEND, 1)
      let groups = 0
      return {
        contenders: [
          {
            name: 'tabmq',
            guarantee: by === 'eachMessage' ? 'auto-commit, at least once' : 'committed per batch',
            async measure() {
              await browser.killWorker('drain')
              const groupId = `${name}-${++groups}-${Math.random()}`
              return tab.call('tabmq', 'read', 'drain', { topic, groupId, messages, by })
            },
          },
          {
            name: 'Dexie, paged',
            guarantee: 'none: nobody remembers where it was',
            measure: () => tab.call('dexie', 'readPaged'),
          },
        ],
        note: () =>
          `${messages.toLocaleString('en')} messages, ${scale.drainedByPeer.toLocaleString('en')} rows`,
        close: () => tab.call('dexie', 'clear'),
      }
    },
  }
}

export const FIGURES: readonly Figure[] = [
  produceFigure(
    'produce_batch',
    '`send` of 1,000 keyed messages to six partitions, each awaited',
    1,
    atLeast(12, 25),
  ),
  produceFigure(
    'produce_stream',
    '`send` of 1,000 keyed messages to six partitions, five under way',
    5,
    atLeast(25, 50),
  ),
  {
    name: 'produce_floor',
    what: 'the same in bytes a second, against bare puts of the same bytes',
    unit: 'MB/s',
    target: atLeast(0.5, 0.8),
    async prepare({ tab, scale }) {
      const topic = await newTopic(tab, 'floor', 6)
      const load = { topic, sends: scale.sends, messages: PER_SEND, underWay: 5 }
      const rows = await takeRows(tab, 'floor-rows', { partitions: 6, messages: PER_SEND })
      const bytes = rows.reduce((sum, size) => sum + size, 0)
      return {
        contenders: [
          {
            name: 'tabmq',
            guarantee: ACKS_1,
            async measure() {
              const perSecond = await tab.call('tabmq', 'send', BROKER, load)
              return (perSecond / PER_SEND) * (bytes / 1e6)
            },
          },
          {
            name: 'bare puts in a SharedWorker',
            guarantee: RELAXED_ROWS,
            measure: async () => (await tab.call('bare', 'put', scale.sends, 5)) / 1e6,
          },
        ],
        note: () => `rows of ${Math.round(bytes / rows.length / 100) / 10} kB`,
        close: () => tab.call('tabmq', 'deleteTopic', BROKER, topic),
      }
    },
  },
  {
    name: 'produce_pipelined',
    what: '`send` of one message, again and again without waiting',
    unit: 'msgs/s',
    target: atLeast(10, 30),
    async prepare({ tab, scale }) {
      const topic = await newTopic(tab, 'pipelined', 6)
      const { singles } = scale
      return {
        contenders: [
          {
            name: 'tabmq',
            guarantee: ACKS_1,
            measure: () => tab.call('tabmq', 'sendSingly', BROKER, topic, singles),
          },
          {
            name: 'Dexie add',
            guarantee: RELAXED_ROWS,
            measure: () => tab.call('dexie', 'addSingly', scale.peerSingles),
          },
          {
            name: 'localforage setItem',
            guarantee: RELAXED_ROWS,
            measure: () => tab.call('localforage', 'setItems', scale.peerSingles),
          },
          {
            name: 'workbox-background-sync',
            guarantee: 'committed, as requests to be sent',
            measure: () => tab.call('workbox', 'pushEntries', scale.queued),
          },
        ],
        async close() {
          await tab.call('dexie', 'clear')
          await tab.call('localforage', 'clear')
          await tab.call('workbox', 'clear')
        },
      }
    },
  },
  {
    name: 'produce_single',
    what: '`await send` of one message, p50',
    unit: 'ms',
    target: atMost(2, 1.3),
    async prepare({ tab, scale }) {
      const topic = await newTopic(tab, 'single', 1)
      await takeRows(tab, 'single-row', { partitions: 1, messages: 1 })
      const count = scale.latencies
      return {
        contenders: [
          {
            name: 'tabmq',
            guarantee: ACKS_1,
            measure: async () =>
              p50(await tab.call('tabmq', 'sendLatencies', BROKER, topic, count)),
          },
          {
            name: 'bare relay, one put',
            guarantee: PORT_AND_PUT,
            measure: async () => p50(await tab.call('bare', 'putLatencies', count)),
          },
        ],
      }
    },
  },
  drainFigure(
    'consume_disk',
    'a cold group drains a topic with `eachBatch`',
    'eachBatch',
    atLeast(5, 15),
  ),
  drainFigure(
    'consume_each',
    'a cold group drains a topic with `eachMessage` and auto-commit',
    'eachMessage',
    atLeast(3, 10),
  ),
  {
    name: 'latency_tab_to_tab',
    what: '`send` in one tab to the handler in another, p50',
    unit: 'ms',
    target: atMost(2, 1.3),
    async prepare({ tab, browser, scale }) {
      await tab.call('tabmq', 'createTopic', BROKER, 'ping', 1)
      await tab.call('tabmq', 'createTopic', BROKER, 'pong', 1)
      await takeRows(tab, 'single-row', { partitions: 1, messages: 1 })
      const other = await browser.openTab()
      await other.call('tabmq', 'echo', BROKER)
      await other.call('bare', 'echo')
      const p99s: number[] = []
      const bareP99s: number[] = []
      const count = scale.latencies
      return {
        contenders: [
          {
            name: 'tabmq',
            guarantee: 'committed before it is delivered',
            async measure() {
              const oneWays = await tab.call('tabmq', 'oneWays', BROKER, count)
              p99s.push(quantile(oneWays, 0.99))
              return p50(oneWays)
            },
          },
          {
            name: 'bare relay, one put',
            guarantee: PORT_AND_PUT,
            async measure() {
              const oneWays = await tab.call('bare', 'oneWays', count)
              bareP99s.push(quantile(oneWays, 0.99))
              return p50(oneWays)
            },
          },
        ],
        note: () => `p99: ${p50(p99s).toFixed(2)} ms, of the relay ${p50(bareP99s).toFixed(2)} ms`,
        async close() {
          await other.call('tabmq', 'stopReading', 'echo')
          await other.close()
        },
      }
    },
  },
  {
    name: 'queue',
    what: 'a share group works through a topic, each message acknowledged for itself',
    unit: 'msgs/s',
    target: { of: 'value', isAtLeast: true, must: 50_000, aim: 100_000 },
    async prepare({ tab, scale }) {
      const messages = scale.queueJobs
      const topic = 'jobs'
      await fill(tab, BROKER, topic, 6, messages)
      let groups = 0
      return {
        contenders: [
          {
            name: 'tabmq',
            guarantee: 'locked, counted on the disk before it is delivered, redelivered if need be',
            measure() {
              const groupId = `queue-${++groups}`
              return tab.call('tabmq', 'work', BROKER, { topic, groupId, messages })
            },
          },
          {
            name: 'Dexie, a table',
            guarantee: 'one at a time: taken and deleted in a transaction',
            measure: () => tab.call('dexie', 'takeAll', scale.queued),
          },
        ],
        close: () => tab.call('dexie', 'clear'),
      }
    },
  },
  fanoutFigure({
    name: 'fanout',
    what: 'one producer, eight tabs each in a group of its own: deliveries a second',
    unit: 'msgs/s',
    target: atLeast(1.5, 2),
    wanted: 'rate',
  }),
  fanoutFigure({
    name: 'fanout_broker',
    what: 'CPU of the broker’s thread for each delivered message, with eight groups and with one',
    unit: 'µs',
    target: atMost(1, 0.6),
    wanted: 'cpu',
  }),
  {
    name: 'rebalance',
    what: 'from `page.close()` to the new owner’s first message, 64 partitions',
    unit: 'ms',
    target: atMost(100, 40, 'value'),
    async prepare({ tab, browser, scale }) {
      const partitions = 64
      await tab.call('tabmq', 'createTopic', BROKER, 'rebalanced', partitions)
      await tab.call('tabmq', 'sendToEach', BROKER, 'rebalanced', partitions)
      let rounds = 0
      return {
        rounds: scale.rebalances,
        contenders: [
          {
            name: 'tabmq',
            guarantee: 'no partition has two owners',
            async measure() {
              const groupId = `rebalanced-${++rounds}`
              const victim = await browser.openTab()
              for (const one of [victim, tab]) {
                await one.call('tabmq', 'hoard', BROKER, 'rebalanced', groupId)
              }
              await until(async () => {
                const held = await Promise.all(
                  [victim, tab].map((one) => one.call('tabmq', 'hoarded', groupId)),
                )
                return held.every(({ length }) => length === partitions / 2)
              })
              const moving = await victim.call('tabmq', 'hoarded', groupId)
              const closedAtMs = Date.now()
              await victim.close()
              const firstMs = await tab.call('tabmq', 'firstOf', groupId, moving)
              await tab.call('tabmq', 'stopReading', groupId)
              return firstMs - closedAtMs
            },
          },
        ],
      }
    },
  },
  {
    name: 'cold_start',
    what: 'from a new SharedWorker to the first message, with a large log and with a small one',
    unit: 'ms',
    target: atMost(1.5, 1.1),
    async prepare({ tab, browser, scale }) {
      const large = 'drain'
      const small = 'small'
      await fill(tab, large, 'drained', 6, scale.drained)
      await fill(tab, small, 'drained', 6, 1_000)
      const start = async (broker: string) => {
        await browser.killWorker(broker)
        const fresh = await browser.openTab()
        const tookMs = await fresh.call('tabmq', 'coldStart', broker, 'drained')
        await fresh.close()
        return tookMs
      }
      return {
        contenders: [
          {
            name: `${scale.drained.toLocaleString('en')} messages`,
            guarantee: 'all of them there',
            measure: () => start(large),
          },
          { name: '1,000 messages', guarantee: 'all of them there', measure: () => start(small) },
        ],
      }
    },
  },
  {
    name: 'partitions',
    what: '`send` of 1,000 keyed messages, five under way, to 1,024 partitions and to six',
    unit: 'msgs/s',
    target: atLeast(0.3, 0.6),
    async prepare({ tab, scale }) {
      const many = await newTopic(tab, 'many', 1_024)
      const few = await newTopic(tab, 'few', 6)
      const send = (topic: string) =>
        tab.call('tabmq', 'send', BROKER, {
          topic,
          sends: scale.sends,
          messages: PER_SEND,
          underWay: 5,
        })
      return {
        contenders: [
          { name: '1,024 partitions', guarantee: ACKS_1, measure: () => send(many) },
          { name: '6 partitions', guarantee: ACKS_1, measure: () => send(few) },
        ],
        async close() {
          for (const topic of [many, few]) await tab.call('tabmq', 'deleteTopic', BROKER, topic)
        },
      }
    },
  },
  {
    name: 'memory',
    what: 'the broker’s heap after many messages went through, and after few',
    unit: 'MB',
    target: atMost(1.5, 1.1),
    async prepare({ tab, browser, scale }) {
      const through = async (broker: string, messages: number) => {
        await tab.call('tabmq', 'createTopic', broker, 'through', 6)
        const sends = messages / (5 * PER_SEND)
        const load = { topic: 'through', sends, messages: 5 * PER_SEND, underWay: 5 }
        await tab.call('tabmq', 'send', broker, load)
        const reading = { topic: 'through', groupId: 'through', messages, by: 'eachBatch' } as const
        await tab.call('tabmq', 'read', broker, reading)
        return (await browser.heapBytes(broker)) / 1e6
      }
      return {
        rounds: 1,
        isWarm: true,
        contenders: [
          {
            name: `${scale.through.toLocaleString('en')} messages`,
            guarantee: ACKS_1,
            measure: () => through('through-many', scale.through),
          },
          { name: '50,000', guarantee: ACKS_1, measure: () => through('through-few', 50_000) },
        ],
      }
    },
  },
  {
    name: 'idle',
    what: 'CPU of ten connected tabs that do nothing, of one core',
    unit: '%',
    target: atMost(1, 0.1, 'value'),
    async prepare({ startBrowser, scale }) {
      // One that has nothing to do with what was before.
      const browser = await startBrowser()
      const used = async (forMs: number) => {
        const before = browser.cpuSeconds()
        await sleep(forMs)
        return ((browser.cpuSeconds() - before) / (forMs / 1_000)) * 100
      }
      /** Of ten tabs that have done this, once the browser is done with what was before. */
      const usedBy = async (begin: (tab: BenchTab) => Promise<unknown>) => {
        const tabs: BenchTab[] = []
        while (tabs.length < 10) {
          const one = await browser.openTab()
          tabs.push(one)
          await begin(one)
        }
        for (let leftMs = scale.settleMsMax; leftMs > 0; leftMs -= 1_000) {
          if ((await used(1_000)) < SETTLED_PERCENT) break
        }
        const percent = await used(scale.idleMs)
        for (const one of tabs) await one.close()
        return percent
      }
      return {
        rounds: 1,
        isWarm: true,
        contenders: [
          {
            name: 'ten connected tabs',
            guarantee: 'nothing asked, nothing said',
            measure: () => usedBy((one) => one.call('tabmq', 'connect', BROKER)),
          },
          {
            name: 'ten tabs without tabmq',
            guarantee: 'nothing',
            measure: () => usedBy(() => Promise.resolve()),
          },
          {
            name: 'ten members of one group',
            guarantee: 'three heartbeats a second',
            measure: () =>
              usedBy(async (one) => {
                await one.call('tabmq', 'createTopic', BROKER, 'idle', 6)
                await one.call('tabmq', 'startReading', BROKER, 'idle', 'idle')
              }),
          },
        ],
        close: () => browser.close(),
      }
    },
  },
  {
    name: 'size_client',
    what: 'what a page downloads that makes its topics, sends and receives, minified and brotli',
    unit: 'kB',
    target: atMost(30, 20, 'value'),
    async prepare({ sizes }) {
      const { client, later } = await sizes()
      const rest = [...later].map(([name, bytes]) => `${name} ${kilobytes(bytes)}`).join(', ')
      const sum = [...later.values()].reduce((all, bytes) => all + bytes, 0)
      return {
        ...measuredOnce(client),
        note: () => `loaded when first used: ${kilobytes(sum)} kB more (${rest})`,
      }
    },
  },
  {
    name: 'size_worker',
    what: 'the worker, minified and brotli',
    unit: 'kB',
    target: atMost(30, 20, 'value'),
    prepare: async ({ sizes }) => measuredOnce((await sizes()).worker),
  },
]

function measuredOnce(bytes: number): Prepared {
  return {
    rounds: 1,
    isWarm: true,
    contenders: [{ name: 'tabmq', guarantee: '', measure: () => Promise.resolve(bytes / 1e3) }],
  }
}

function kilobytes(bytes: number): string {
  return (bytes / 1e3).toFixed(1)
}

function fanoutFigure({
  wanted,
  ...figure
}: Omit<Figure, 'prepare'> & { readonly wanted: 'rate' | 'cpu' }): Figure {
  return {
    ...figure,
    async prepare(parts) {
      const fanout = await Fanout.prepare(parts)
      return {
        contenders: [
          { name: '8 groups', guarantee: ACKS_1, measure: () => fanout.run(8, wanted) },
          { name: '1 group', guarantee: ACKS_1, measure: () => fanout.run(1, wanted) },
        ],
        close: () => fanout.close(),
      }
    },
  }
}

/** One producer and so many tabs, each with a consumer in a group of its own that has caught up. */
class Fanout {
  readonly #parts: Parts
  readonly #tabs: readonly BenchTab[]
  #runs = 0

  static async prepare(parts: Parts): Promise<Fanout> {
    const tabs: BenchTab[] = []
    while (tabs.length < 8) tabs.push(await parts.browser.openTab())
    return new Fanout(parts, tabs)
  }

  private constructor(parts: Parts, tabs: readonly BenchTab[]) {
    this.#parts = parts
    this.#tabs = tabs
  }

  /** Deliveries a second of all groups together, or microseconds of the broker's CPU for each. */
  async run(groups: number, wanted: 'rate' | 'cpu'): Promise<number> {
    const { tab, browser, scale } = this.#parts
    const topic = await newTopic(tab, `fanout-${++this.#runs}`, 6)
    const readers = this.#tabs.slice(0, groups).map((one, index) => ({
      one,
      groupId: `${topic}-${index}`,
    }))
    await Promise.all(
      readers.map(({ one, groupId }) => one.call('tabmq', 'startReading', BROKER, topic, groupId)),
    )
    const messages = scale.sends * PER_SEND
    const cpuBefore = browser.workerCpuSeconds()
    const startMs = performance.now()
    const load = { topic, sends: scale.sends, messages: PER_SEND, underWay: 5 }
    await Promise.all([
      tab.call('tabmq', 'send', BROKER, load),
      ...readers.map(({ one, groupId }) => one.call('tabmq', 'readUntil', groupId, messages)),
    ])
    const seconds = (performance.now() - startMs) / 1_000
    const cpuSeconds = browser.workerCpuSeconds() - cpuBefore
    await Promise.all(readers.map(({ one, groupId }) => one.call('tabmq', 'stopReading', groupId)))
    await tab.call('tabmq', 'deleteTopic', BROKER, topic)
    const delivered = messages * groups
    return wanted === 'rate' ? delivered / seconds : (cpuSeconds * 1e6) / delivered
  }

  async close(): Promise<void> {
    for (const tab of this.#tabs) await tab.close()
  }
}

async function newTopic(tab: BenchTab, topic: string, partitions: number): Promise<string> {
  await tab.call('tabmq', 'createTopic', BROKER, topic, partitions)
  return topic
}

/** Gives the floor the bytes of so many messages, as a broker of its own has stored them. */
async function takeRows(
  tab: BenchTab,
  broker: string,
  { partitions, messages }: { partitions: number; messages: number },
): Promise<number[]> {
  await fill(tab, broker, 'rows', partitions, messages)
  return tab.call('bare', 'takeRows', broker)
}

/** Unless an earlier figure has done so. */
async function fill(
  tab: BenchTab,
  broker: string,
  topic: string,
  partitions: number,
  messages: number,
): Promise<void> {
  await tab.call('tabmq', 'createTopic', broker, topic, partitions)
  const there = await tab.call('tabmq', 'countMessages', broker, topic)
  const perSend = Math.min(messages, PER_SEND)
  const sends = (messages - there) / perSend
  await tab.call('tabmq', 'send', broker, { topic, sends, messages: perSend, underWay: 5 })
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(10)
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

export function quantile(values: readonly number[], of: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(of * sorted.length))] ?? NaN
}

export function p50(values: readonly number[]): number {
  return quantile(values, 0.5)
}
