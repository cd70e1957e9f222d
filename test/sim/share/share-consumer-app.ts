/**
 * What an app does with a share consumer: it joins its group, handles messages, acknowledges them in one
 * of the ways there are, fails now and then, and meddles: stops and starts, changes what it subscribes
 * to. When its consumer ends or cannot start, it tries again.
 */
import type { ShareConsumer } from '../../../src/client/share/share-consumer.js'
import type { Acknowledgement, ShareDelivery } from '../../../src/client/share/share-delivery.js'
import type { StoreChanges } from '../../../src/client/store/store-changes.js'
import type { Prng } from '../../../src/std/prng.js'
import { HandlerFailed } from '../checkers/call-checker.js'
import { entryKey, entryStoreOf, type Entered } from '../checkers/share/share-stores-checker.js'
import { unlessAborted } from '../consumer-app.js'
import type { MessageId, ShareReader } from '../history.js'
import { between } from '../streams.js'
import type { Tab } from '../tab.js'
import type { World } from '../world.js'
import type { ShareGroupOptions, ShareMemberOptions } from './share-options.js'

const RESTART_MS = 200

export interface ShareConsumerAppOptions {
  readonly name: string
  readonly group: ShareGroupOptions
  readonly member: ShareMemberOptions
}

export class ShareConsumerApp {
  readonly name: string
  readonly consumer: ShareConsumer
  readonly #world: World
  readonly #tab: Tab
  readonly #options: ShareConsumerAppOptions
  readonly #prng: Prng
  /** Handlers that never return, until somebody mends them. */
  readonly #hung = new Set<() => void>()
  #isRunning = false
  /** Nothing is changed any more. */
  #behaves = false

  constructor(world: World, tab: Tab, options: ShareConsumerAppOptions) {
    const { name, group, member } = options
    this.name = name
    this.#world = world
    this.#tab = tab
    this.#options = options
    this.#prng = world.streams.of(name)
    const { groupId, lockDurationMs, deliveryCountLimit, deadLetterTopic, orderingKey } = group
    const { acknowledgement, maxInFlight, weight } = member
    this.consumer = tab.mq.shareConsumer({
      groupId,
      lockDurationMs,
      deliveryCountLimit,
      orderingKey,
      retry: group.retry,
      autoOffsetReset: group.fromLatest ? 'latest' : 'earliest',
      acknowledgement,
      maxInFlight,
      weight,
      ...(deadLetterTopic === undefined ? {} : { deadLetterTopic }),
    })
    this.consumer.on('crash', ({ error }) => {
      const { groupId: ofGroup } = group
      world.history.tell({
        type: 'shareCrashed',
        reader: { ...this.#reader, groupId: ofGroup },
        error,
      })
    })
    this.consumer.on('stop', () => {
      this.#isRunning = false
    })
  }

  get groupId(): string {
    return this.#options.group.groupId
  }

  start(): void {
    void this.#live()
    if (this.#options.group.meddleEveryMs > 0) void this.#meddle()
  }

  /** Reads everything from now on, and holds nothing up. */
  behave(): void {
    this.#behaves = true
    for (const mend of this.#hung) mend()
    void this.#subscribe()
  }

  get #reader(): ShareReader {
    return { tab: this.#tab.name, consumer: this.name, groupId: this.groupId }
  }

  async #live(): Promise<void> {
    await this.#tab.process.sleep(this.#options.group.startsAfterMs)
    await this.#subscribe()
    while (!this.#tab.isClosing) {
      if (!this.#isRunning) await this.#run()
      await this.#tab.process.sleep(RESTART_MS)
    }
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    const { mode, concurrency } = this.#options.member
    const eachMessage = (delivery: ShareDelivery) => this.#handle(delivery)
    const outcome =
      mode === 'iterate'
        ? await this.#tab.call('shareMessages', () => this.#iterate())
        : await this.#tab.call('shareRun', () =>
            this.consumer.run({ eachMessage, concurrency, ...this.#storeOptions }),
          )
    if (!outcome.ok || mode === 'iterate') this.#isRunning = false
  }

  get #storeOptions(): { readonly transactionalStore?: string } {
    const { groupId, entersIntoStore } = this.#options.group
    return entersIntoStore ? { transactionalStore: entryStoreOf(groupId) } : {}
  }

  async #subscribe(): Promise<void> {
    const topics = this.#options.group.byPattern ? [/^topic-/] : this.#world.topicNames
    await this.#tab.call('shareSubscribe', () => this.consumer.subscribe({ topics }))
  }

  async #iterate(): Promise<void> {
    for await (const delivery of this.consumer.messages()) {
      try {
        await this.#handle(delivery)
      } catch {
        // Leaving the loop gives the message at hand back.
        return
      }
      if (this.#tab.isClosing) return
    }
  }

  async #handle(delivery: ShareDelivery): Promise<StoreChanges | undefined> {
    const { history } = this.#world
    const { topic, partition, message, deliveryCount } = delivery
    const { id } = message.value as { id: MessageId }
    const event = {
      reader: this.#reader,
      place: { topic, partition },
      offset: message.offset,
      id,
      deliveryCount,
    }
    history.tell({ ...event, type: 'shareHandling' })
    try {
      await this.#work(delivery, id)
    } catch (error) {
      history.tell({ ...event, type: 'shareThrew' })
      if (this.#options.member.acknowledgement === 'explicit') await this.#giveUp(delivery)
      throw error
    }
    const said = this.#drawAcknowledgement()
    if (said !== 'accept') history.tell({ ...event, type: 'shareThrew' })
    else history.tell({ ...event, type: 'shareHandled' })
    const entered: Entered = { place: event.place, offset: message.offset }
    const store = this.#options.group.entersIntoStore
      ? { puts: { [entryKey(entered)]: entered } }
      : undefined
    await this.#acknowledge(delivery, said, store)
    // Of what was released or rejected nothing is entered, whatever is returned.
    return store
  }

  /** Nobody else says that it is to be tried again: mostly the handler does. */
  async #giveUp(delivery: ShareDelivery): Promise<void> {
    if (delivery.signal.aborted || (this.#isUnruly && this.#prng.chance(0.2))) return
    await this.#tab.call('acknowledge', () => delivery.acknowledge('release'))
  }

  /** What is said of it: by returning, or by `acknowledge`; nothing where that is left out. */
  #drawAcknowledgement(): Acknowledgement | undefined {
    const { acknowledgement } = this.#options.member
    if (acknowledgement === 'onDelivery' || !this.#isUnruly) return 'accept'
    const { releaseChance, rejectChance, silentChance } = this.#options.group.handler
    const prng = this.#prng
    if (prng.chance(releaseChance)) return 'release'
    if (prng.chance(rejectChance)) return 'reject'
    return acknowledgement === 'explicit' && prng.chance(silentChance) ? undefined : 'accept'
  }

  get #isUnruly(): boolean {
    return this.#world.hasTraffic && !this.#behaves
  }

  async #acknowledge(
    delivery: ShareDelivery,
    said: Acknowledgement | undefined,
    store: StoreChanges | undefined,
  ): Promise<void> {
    const { acknowledgement } = this.#options.member
    const isImplied = said === 'accept' && acknowledgement !== 'explicit'
    if (said === undefined || isImplied) return
    const prng = this.#prng
    const options =
      said === 'release' && prng.chance(0.7)
        ? { delayMs: prng.below(600) }
        : said === 'reject'
          ? { reason: 'drawn' }
          : said === 'accept' && store !== undefined
            ? { store }
            : {}
    const done = this.#tab.call('acknowledge', () => delivery.acknowledge(said, options))
    if (prng.chance(0.5)) await done
  }

  async #work({ signal, renew }: ShareDelivery, id: MessageId): Promise<void> {
    const { handler, poisonEvery, lockDurationMs } = this.#options.group
    const prng = this.#prng
    const isLong = prng.chance(handler.longChance)
    const forMs = isLong ? handler.longMs : prng.below(handler.msMax + 1)
    const fails = prng.chance(handler.failChance) && this.#isUnruly
    const hangs = prng.chance(handler.hangChance) && this.#isUnruly
    if (forMs > 0 || hangs) {
      const done = hangs ? this.#hang() : this.#sleep(forMs, handler.renews ? renew : undefined)
      const isGivenUp = handler.heedsSignal || forMs > lockDurationMs
      try {
        await (isGivenUp ? unlessAborted(done, signal) : done)
      } catch {
        throw new HandlerFailed('given up')
      }
    }
    if (fails) throw new HandlerFailed('simulated')
    if (poisonEvery > 0 && id % poisonEvery === 0) throw new HandlerFailed('poison')
  }

  /** Renews its lock on the way, if it can, well before that is over. */
  async #sleep(forMs: number, renew: (() => Promise<void>) | undefined): Promise<void> {
    if (renew === undefined) return this.#tab.process.sleep(forMs)
    let leftMs = forMs
    const stepMs = Math.ceil(this.#options.group.lockDurationMs / 3)
    while (leftMs > stepMs) {
      await this.#tab.process.sleep(stepMs)
      leftMs -= stepMs
      await this.#tab.call('renew', renew)
    }
    await this.#tab.process.sleep(leftMs)
  }

  #hang(): Promise<void> {
    this.#world.faults.count('hungHandler')
    return new Promise((resolve) => {
      const mend = () => {
        this.#hung.delete(mend)
        resolve()
      }
      this.#hung.add(mend)
    })
  }

  async #meddle(): Promise<void> {
    const { meddleEveryMs, byPattern } = this.#options.group
    for (;;) {
      await this.#tab.process.sleep(between(this.#prng, 1, 2 * meddleEveryMs))
      if (!this.#isUnruly || this.#tab.isClosing) return
      if (byPattern || this.#prng.chance(0.6)) {
        void this.#tab.call('shareStop', () => this.consumer.stop())
      } else {
        const topics = [this.#prng.pick(this.#world.topicNames)]
        if (this.#world.topicNames.length > 1) {
          await this.#tab.call('shareUnsubscribe', () => this.consumer.unsubscribe({ topics }))
        }
        await this.#tab.process.sleep(between(this.#prng, 1, 500))
        await this.#subscribe()
      }
    }
  }
}
