/** Locks and channels that several brokers of one test share, as workers of one origin do. */
import type { Channel, LockOptions, LockRequest, Origin } from '../../../src/broker/ports.js'
import { deferred, type Deferred } from '../../../src/std/deferred.js'

interface Waiting {
  readonly held: Deferred<void>
  readonly onStolen: () => void
}

export class FakeOrigin implements Origin {
  readonly #holders = new Map<string, Waiting>()
  readonly #queues = new Map<string, Waiting[]>()
  readonly #listeners = new Map<string, Set<(message: unknown) => void>>()
  /** Who hangs hears nothing. */
  readonly #deaf = new Set<(message: unknown) => void>()
  refusal: Error | undefined

  requestLock(lockName: string, { steals, onStolen }: LockOptions): LockRequest {
    const request = { held: deferred<void>(), onStolen }
    if (this.refusal !== undefined) request.held.reject(this.refusal)
    else if (steals) this.#steal(lockName, request)
    else this.#queueOf(lockName).push(request)
    this.#grantNext(lockName)
    return { held: request.held.promise, release: () => this.#release(lockName, request) }
  }

  openChannel(channelName: string, onMessage: (message: unknown) => void): Channel {
    const listeners = this.#listeners.get(channelName) ?? new Set()
    this.#listeners.set(channelName, listeners.add(onMessage))
    return {
      post: (message) => {
        const copy = structuredClone(message)
        for (const other of listeners) {
          if (other === onMessage || this.#deaf.has(other)) continue
          queueMicrotask(() => {
            if (listeners.has(other)) other(copy)
          })
        }
      },
      close: () => listeners.delete(onMessage),
    }
  }

  /** Whoever listens now hears nothing more, as if its thread hung. */
  deafen(): void {
    for (const listeners of this.#listeners.values()) {
      for (const listener of listeners) this.#deaf.add(listener)
    }
  }

  isHeld(lockName: string): boolean {
    return this.#holders.has(lockName)
  }

  /** How many listen on any channel. */
  get listening(): number {
    return [...this.#listeners.values()].reduce((sum, listeners) => sum + listeners.size, 0)
  }

  /** As anybody of this origin can. */
  say(channelName: string, message: unknown): void {
    for (const listener of this.#listeners.get(channelName) ?? []) listener(message)
  }

  #steal(lockName: string, request: Waiting): void {
    const robbed = this.#holders.get(lockName)
    this.#holders.set(lockName, request)
    request.held.resolve()
    robbed?.onStolen()
  }

  #release(lockName: string, request: Waiting): void {
    const queue = this.#queueOf(lockName)
    if (queue.includes(request)) queue.splice(queue.indexOf(request), 1)
    if (this.#holders.get(lockName) === request) this.#holders.delete(lockName)
    this.#grantNext(lockName)
  }

  #grantNext(lockName: string): void {
    if (this.#holders.has(lockName)) return
    const next = this.#queueOf(lockName).shift()
    if (next === undefined) return
    this.#holders.set(lockName, next)
    next.held.resolve()
  }

  #queueOf(lockName: string): Waiting[] {
    const queue = this.#queues.get(lockName) ?? []
    this.#queues.set(lockName, queue)
    return queue
  }
}
