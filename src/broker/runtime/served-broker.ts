/**
 * A broker's name in one worker: tabs that say hello start the broker, if this worker has the lead or
 * can get it, and are told where it is if another has. When the broker ends (its storage was lost, a
 * newer deployment wants the lead, the lead was taken by force) its tabs are told to say hello again, and the
 * next hello begins here anew: what they get then is the next broker, wherever it is, or the error that
 * says that they are too old for it.
 */
import { TabmqError } from '../../protocol/errors.js'
import type { WorkerAddress } from '../../protocol/hello.js'
import type { BrokerLimits } from '../../protocol/limits.js'
import type { Clock, Logger, Storage } from '../ports.js'
import { Broker } from './broker.js'
import { Leadership, type LeadershipOptions } from './leadership.js'

export interface ServedBrokerOptions extends Omit<
  LeadershipOptions,
  'onHandOverWanted' | 'onDeposed'
> {
  readonly logger: Logger
  readonly openStorage: (onLost: (error: TabmqError) => void) => Promise<Storage>
  /** @throws TabmqError INVALID_CONFIG, which tabs are told */
  readonly limits: () => Partial<BrokerLimits>
  readonly clock: Clock
}

export type Served =
  | { readonly type: 'here'; readonly broker: Broker }
  | { readonly type: 'elsewhere'; readonly address: WorkerAddress }

/** One broker, from the claim of the lead to its end. */
interface Life {
  leadership: Leadership | undefined
  broker: Broker | undefined
  isOver: boolean
}

export class ServedBroker {
  readonly #options: ServedBrokerOptions
  #serving: Promise<Served> | undefined
  #life: Life | undefined
  /** Resolves when the broker before has let go of everything. */
  #ended: Promise<void> = Promise.resolve()

  constructor(options: ServedBrokerOptions) {
    this.#options = options
  }

  /** The broker that runs here, if one does. */
  get broker(): Broker | undefined {
    return this.#life?.broker
  }

  /**
   * The broker, started if need be. A start that failed is tried again by the next tab that asks.
   * @throws TabmqError BROKER_SUPERSEDED, BROKER_UNAVAILABLE, and what opening the storage throws
   */
  start(): Promise<Served> {
    this.#serving ??= this.#start()
    return this.#serving
  }

  /** Ends the broker that runs, if one does: what is being written is waited for. */
  async end(): Promise<void> {
    if (this.#life !== undefined) this.#end(this.#life)
    await this.#ended
  }

  async #start(): Promise<Served> {
    const life: Life = { leadership: undefined, broker: undefined, isOver: false }
    try {
      await this.#ended
      this.#life = life
      const served = await this.#lead(life)
      if (served.type === 'elsewhere') this.#forget(life)
      return served
    } catch (error) {
      this.#forget(life)
      throw error
    }
  }

  async #lead(life: Life): Promise<Served> {
    const { brokerName, clock, timer, random, logger, openStorage } = this.#options
    const limits = this.#options.limits()
    const end = () => this.#end(life)
    const claim = await Leadership.claim({
      ...this.#options,
      onHandOverWanted: end,
      onDeposed: end,
    })
    if (claim.type === 'elsewhere') return claim
    const { leadership } = claim
    life.leadership = leadership
    let storage: Storage | undefined
    try {
      storage = await openStorage((error) => life.broker?.storageLost(error))
      // Loading raises the epoch: it would take the database from whoever leads by now.
      if (life.isOver) throw tookOver(brokerName)
      const parts = { storage, clock, timer, random, logger, limits }
      const broker = await Broker.start({ ...parts, onEnded: end })
      life.broker = broker
      if (!life.isOver) return { type: 'here', broker }
      await broker.close()
    } catch (error) {
      await storage?.close()
      throw error
    } finally {
      if (life.isOver || life.broker === undefined) leadership.release()
    }
    throw tookOver(brokerName)
  }

  /** A life that has not got as far as a broker ends when it has. */
  #end(life: Life): void {
    if (life.isOver) return
    life.isOver = true
    if (life.broker === undefined) return
    this.#forget(life)
    this.#ended = life.broker
      .close()
      .catch((error: unknown) => this.#options.logger.error('the storage does not close', error))
      .then(() => life.leadership?.release())
  }

  #forget(life: Life): void {
    if (this.#life !== life) return
    this.#life = undefined
    this.#serving = undefined
  }
}

function tookOver(brokerName: string): TabmqError {
  return new TabmqError('BROKER_UNAVAILABLE', 'another worker took over meanwhile', { brokerName })
}
