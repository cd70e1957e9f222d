/**
 * What the workers of one origin share: exclusive locks and broadcast channels, kept by the browser,
 * which never hangs. Whatever it tells a worker comes to that worker's thread, late, or when it wakes.
 */
import type { Channel, LockOptions, LockRequest, Origin } from '../../src/broker/ports.js'
import { deferred, type Deferred } from '../../src/std/deferred.js'
import type { Lane } from './lane.js'
import type { Process, Scheduler } from './scheduler.js'

export interface SimOriginParts {
  readonly scheduler: Scheduler
  readonly lockDelayMs: () => number
  readonly lane: (to: Process) => Lane
}

interface Waiting {
  readonly worker: Process
  readonly held: Deferred<void>
  readonly onStolen: () => void
  isOver: boolean
}

interface Lock {
  holder: Waiting | undefined
  queue: Waiting[]
}

interface Listener {
  readonly worker: Process
  readonly lane: Lane
  readonly onMessage: (message: unknown) => void
  isClosed: boolean
}

export class SimOrigin {
  readonly #parts: SimOriginParts
  readonly #browser: Process
  readonly #locks = new Map<string, Lock>()
  readonly #channels = new Map<string, Set<Listener>>()

  constructor(parts: SimOriginParts) {
    this.#parts = parts
    this.#browser = parts.scheduler.process('browser')
  }

  of(worker: Process): Origin {
    return {
      requestLock: (lockName, options) => this.#request(worker, lockName, options),
      openChannel: (channelName, onMessage) => this.#open(worker, channelName, onMessage),
    }
  }

  /** Its locks are free in a while, and it hears nothing more. */
  workerDied(worker: Process): void {
    for (const [lockName, lock] of this.#locks) {
      lock.queue = lock.queue.filter((waiting) => waiting.worker !== worker)
      if (lock.holder?.worker === worker) this.#freeLater(lockName, lock.holder)
    }
    for (const listeners of this.#channels.values()) {
      for (const listener of listeners) {
        if (listener.worker === worker) listeners.delete(listener)
      }
    }
  }

  #request(worker: Process, lockName: string, options: LockOptions): LockRequest {
    const { steals, onStolen } = options
    const waiting: Waiting = { worker, held: deferred(), onStolen, isOver: false }
    this.#later(`${worker.name} ${steals ? 'steals' : 'wants'} ${lockName}`, () => {
      if (waiting.isOver || worker.isDead) return
      const lock = this.#lockOf(lockName)
      if (steals) this.#steal(lock, waiting)
      else lock.queue.push(waiting)
      this.#grantNext(lock)
    })
    return {
      held: waiting.held.promise,
      release: () => {
        waiting.isOver = true
        this.#freeLater(lockName, waiting)
      },
    }
  }

  #steal(lock: Lock, thief: Waiting): void {
    const robbed = lock.holder
    this.#grant(lock, thief)
    if (robbed !== undefined) void this.#tellRobbed(robbed)
  }

  /** Nobody hears that a lock was taken from it before it heard that it has it, or after letting go. */
  async #tellRobbed(robbed: Waiting): Promise<void> {
    await robbed.held.promise
    robbed.worker.schedule(this.#parts.lockDelayMs(), 'is robbed of its lock', () => {
      if (!robbed.isOver) robbed.onStolen()
    })
  }

  #freeLater(lockName: string, waiting: Waiting): void {
    this.#later(`${lockName} is let go`, () => {
      const lock = this.#lockOf(lockName)
      lock.queue = lock.queue.filter((other) => other !== waiting)
      if (lock.holder === waiting) lock.holder = undefined
      this.#grantNext(lock)
    })
  }

  #grantNext(lock: Lock): void {
    if (lock.holder !== undefined) return
    const next = lock.queue.shift()
    if (next !== undefined) this.#grant(lock, next)
  }

  #grant(lock: Lock, waiting: Waiting): void {
    lock.holder = waiting
    waiting.worker.schedule(this.#parts.lockDelayMs(), 'is granted its lock', () => {
      if (!waiting.isOver) waiting.held.resolve()
    })
  }

  #later(label: string, run: () => void): void {
    this.#browser.schedule(this.#parts.lockDelayMs(), label, run)
  }

  #lockOf(lockName: string): Lock {
    const lock = this.#locks.get(lockName) ?? { holder: undefined, queue: [] }
    this.#locks.set(lockName, lock)
    return lock
  }

  #open(worker: Process, channelName: string, onMessage: (message: unknown) => void): Channel {
    const listeners = this.#channels.get(channelName) ?? new Set<Listener>()
    this.#channels.set(channelName, listeners)
    const listener = { worker, lane: this.#parts.lane(worker), onMessage, isClosed: false }
    listeners.add(listener)
    return {
      post: (message) => {
        const { nowMs } = this.#parts.scheduler
        for (const other of listeners) {
          if (other === listener) continue
          other.lane.post(
            nowMs,
            `${worker.name} says ${JSON.stringify(message)}`,
            message,
            (copy) => {
              if (!other.isClosed) other.onMessage(copy)
            },
          )
        }
      },
      close: () => {
        listener.isClosed = true
        listeners.delete(listener)
      },
    }
  }
}
