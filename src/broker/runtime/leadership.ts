/**
 * Which worker has the database of a broker's name. Two deployments of an app are two workers, since a
 * bundler puts a hash into the script's address, and only one of them may write. Leading is holding
 * one exclusive lock; who waits for it asks the leader over a channel, and gets one of three answers: a
 * leader of the same protocol stays, and says where it is, so that tabs can go there; one of a newer
 * protocol stays as well; one of an older protocol lets go. A leader that says nothing hangs, and is
 * deposed: the lock is taken from it, and should it ever come to itself, the storage refuses its writes
 * by their broker epoch.
 */
import { TabmqError } from '../../protocol/errors.js'
import type { WorkerAddress } from '../../protocol/hello.js'
import { LEADERSHIP } from '../../protocol/limits.js'
import { deferred } from '../../std/deferred.js'
import type { Channel, LockRequest, Origin, Random, Timer } from '../ports.js'

export interface LeadershipOptions {
  readonly brokerName: string
  readonly protocolVersion: number
  /** Where tabs find this worker. */
  readonly address: WorkerAddress
  readonly origin: Origin
  readonly timer: Timer
  readonly random: Random
  /** A worker with a newer protocol waits: the leader is to end what it does, and then to `release`. */
  readonly onHandOverWanted: () => void
  /** The lead was taken by force. */
  readonly onDeposed: () => void
}

/** What became of a claim. */
export type Claim =
  | { readonly type: 'leading'; readonly leadership: Leadership }
  | { readonly type: 'elsewhere'; readonly address: WorkerAddress }

type Message =
  | { readonly type: 'claim'; readonly from: string; readonly protocolVersion: number }
  | { readonly type: 'handingOver'; readonly to: string; readonly from?: string }
  | {
      readonly type: 'leading'
      readonly to: string
      readonly protocolVersion: number
      readonly address: WorkerAddress
    }

type Phase = 'claiming' | 'leading' | 'over'

export class Leadership {
  readonly #options: LeadershipOptions
  readonly #id: string
  readonly #claim = deferred<Claim>()
  readonly #channel: Channel
  #lock: LockRequest
  #phase: Phase = 'claiming'
  /** As a claimant: the leader that has said it is letting go. The next one has as long again. */
  #lettingGo: { readonly leader: string | undefined } | undefined
  /** As the leader: somebody has asked it to let go. */
  #isHandingOver = false
  #cancelAsking = () => {}
  #cancelDeposing = () => {}

  /**
   * Becomes the leader, or finds out where the leader is.
   * @throws TabmqError BROKER_SUPERSEDED when the leader's protocol is newer, STORAGE_BLOCKED when the
   *   platform gives no locks
   */
  static claim(options: LeadershipOptions): Promise<Claim> {
    return new Leadership(options).#claim.promise
  }

  private constructor(options: LeadershipOptions) {
    const { origin, brokerName, random } = options
    this.#options = options
    this.#id = random.freshId()
    this.#channel = origin.openChannel(`tabmq:${brokerName}:leader`, (message) => {
      this.#onMessage(parseMessage(message))
    })
    this.#lock = this.#requestLock({ steals: false })
    this.#ask()
    this.#deposeAfter(LEADERSHIP.silenceMsMax)
  }

  /** Lets the next one lead. */
  release(): void {
    this.#end()
  }

  #requestLock({ steals }: { steals: boolean }): LockRequest {
    const { origin, brokerName } = this.#options
    const lock = origin.requestLock(`tabmq:${brokerName}:storage`, {
      steals,
      onStolen: () => this.#onStolen(),
    })
    lock.held.then(
      () => this.#onHeld(lock),
      (error: unknown) => this.#fail(error),
    )
    return lock
  }

  /** Again and again: a leader that has just come to lead did not hear what was said before. */
  #ask(): void {
    const { timer, protocolVersion } = this.#options
    this.#post({ type: 'claim', from: this.#id, protocolVersion })
    this.#cancelAsking = timer.schedule(LEADERSHIP.askIntervalMs, () => this.#ask())
  }

  #deposeAfter(delayMs: number): void {
    this.#cancelDeposing()
    this.#cancelDeposing = this.#options.timer.schedule(delayMs, () => {
      this.#lock.release()
      this.#lock = this.#requestLock({ steals: true })
    })
  }

  #onHeld(lock: LockRequest): void {
    if (this.#phase !== 'claiming' || lock !== this.#lock) {
      lock.release()
      return
    }
    this.#phase = 'leading'
    this.#cancelAsking()
    this.#cancelDeposing()
    this.#claim.resolve({ type: 'leading', leadership: this })
  }

  #onStolen(): void {
    const wasLeading = this.#phase === 'leading'
    this.#end()
    if (wasLeading) this.#options.onDeposed()
  }

  #onMessage(message: Message | undefined): void {
    if (message === undefined || this.#phase === 'over') return
    if (message.type === 'claim') {
      if (this.#phase === 'leading') this.#answer(message)
    } else if (this.#phase === 'claiming' && message.to === this.#id) {
      this.#onAnswer(message)
    }
  }

  #answer({ from, protocolVersion: theirs }: Extract<Message, { type: 'claim' }>): void {
    const { protocolVersion, address, onHandOverWanted } = this.#options
    if (theirs <= protocolVersion && !this.#isHandingOver) {
      this.#post({ type: 'leading', to: from, protocolVersion, address })
      return
    }
    this.#post({ type: 'handingOver', to: from, from: this.#id })
    if (this.#isHandingOver) return
    this.#isHandingOver = true
    onHandOverWanted()
  }

  #onAnswer(message: Exclude<Message, { type: 'claim' }>): void {
    const { protocolVersion, brokerName } = this.#options
    if (message.type === 'handingOver') {
      const { from } = message
      if (this.#lettingGo !== undefined && this.#lettingGo.leader === from) return
      this.#lettingGo = { leader: from }
      this.#deposeAfter(LEADERSHIP.handOverMsMax)
    } else if (message.protocolVersion > protocolVersion) {
      this.#fail(
        new TabmqError(
          'BROKER_SUPERSEDED',
          `a newer deployment has taken over "${brokerName}": this page has to be loaded again`,
          { brokerVersion: message.protocolVersion, tabVersion: protocolVersion },
        ),
      )
    } else if (message.protocolVersion === protocolVersion) {
      this.#end()
      this.#claim.resolve({ type: 'elsewhere', address: message.address })
    }
  }

  #fail(error: unknown): void {
    if (this.#phase !== 'claiming') return
    this.#end()
    this.#claim.reject(error)
  }

  #end(): void {
    if (this.#phase === 'over') return
    this.#phase = 'over'
    this.#cancelAsking()
    this.#cancelDeposing()
    this.#lock.release()
    this.#channel.close()
  }

  #post(message: Message): void {
    this.#channel.post(message)
  }
}

/** Anybody of this origin may say anything on a channel. */
function parseMessage(message: unknown): Message | undefined {
  if (typeof message !== 'object' || message === null) return undefined
  const { type, from, to, protocolVersion, address } = message as Record<string, unknown>
  const hasVersion = typeof protocolVersion === 'number'
  switch (type) {
    case 'claim':
      return typeof from === 'string' && hasVersion ? { type, from, protocolVersion } : undefined
    case 'handingOver':
      if (typeof to !== 'string') return undefined
      return typeof from === 'string' ? { type, to, from } : { type, to }
    case 'leading':
      return typeof to === 'string' && hasVersion && isAddress(address)
        ? { type, to, protocolVersion, address }
        : undefined
    default:
      return undefined
  }
}

function isAddress(value: unknown): value is WorkerAddress {
  if (typeof value !== 'object' || value === null) return false
  const { url, name, type } = value as Record<string, unknown>
  const isType = type === 'classic' || type === 'module'
  return typeof url === 'string' && typeof name === 'string' && isType
}
