/**
 * The promises that the library gives to this tab: each must settle. A call that has not, long after
 * its own timeout, is told of as overdue. Only time in which the tab was awake counts: a frozen tab's
 * timers stand still, and so do the library's.
 */
import { TabmqError } from '../../../src/index.js'
import type { PlantName } from '../plants.js'
import type { RecordedError } from '../record.js'
import { HANDLER_FAILED, HandlerFailed } from './handler-failed.js'
import type { TabRecorder } from './tab-recorder.js'

const TICK_MS = 500
/** A tick that comes later than this was slept through, or throttled. */
const TICK_MS_MAX = 1_500
/** By how much a call may outlive its timeout: a busy machine, a throttled timer. */
const LATE_FACTOR = 1.5
const LATE_MS = 15_000

export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: unknown }

interface Pending {
  readonly name: string
  readonly limitMs: number
  readonly sinceAwakeMs: number
  isOverdue: boolean
}

export class Calls {
  readonly #recorder: TabRecorder
  readonly #plant: PlantName | undefined
  readonly #pending = new Map<number, Pending>()
  #calls = 0
  #awakeMs = 0
  #tickedAtMs = performance.now()

  constructor(recorder: TabRecorder, plant: PlantName | undefined) {
    this.#recorder = recorder
    this.#plant = plant
    setInterval(() => this.#tick(), TICK_MS)
  }

  get pending(): readonly string[] {
    return [...this.#pending.values()].map(({ name }) => name)
  }

  /** Never rejects: what went wrong is told, and returned. `limitMs` is the call's own timeout. */
  async make<T>(name: string, limitMs: number, call: () => Promise<T>): Promise<Outcome<T>> {
    const number = this.#calls++
    const sinceAwakeMs = this.#awakeMs
    this.#pending.set(number, { name, limitMs, sinceAwakeMs, isOverdue: false })
    this.#recorder.note({ type: 'called', call: number, name })
    const hangs = this.#plant === 'hangingCall' && name === 'send' && number % 3 === 2
    const outcome = await settle(hangs ? () => new Promise<never>(() => {}) : call)
    this.#pending.delete(number)
    const error = outcome.ok ? undefined : recordedError(outcome.error)
    this.#recorder.note({ type: 'settled', call: number, error })
    return outcome
  }

  #tick(): void {
    const nowMs = performance.now()
    this.#awakeMs += Math.min(nowMs - this.#tickedAtMs, TICK_MS_MAX)
    this.#tickedAtMs = nowMs
    for (const [call, pending] of this.#pending) {
      const awakeMs = this.#awakeMs - pending.sinceAwakeMs
      if (pending.isOverdue || awakeMs < pending.limitMs * LATE_FACTOR + LATE_MS) continue
      pending.isOverdue = true
      this.#recorder.note({ type: 'overdue', call, name: pending.name, awakeMs })
    }
  }
}

async function settle<T>(call: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { ok: true, value: await call() }
  } catch (error) {
    return { ok: false, error }
  }
}

export function recordedError(error: unknown): RecordedError {
  if (error instanceof TabmqError) return { code: error.code, message: error.message }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { code: error instanceof HandlerFailed ? HANDLER_FAILED : undefined, message }
}
