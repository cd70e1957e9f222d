/** What the broker's ports are in a SharedWorker: real time, real randomness, the console. */
import { TIMER_MS_MAX } from '../src/protocol/limits.js'
import type { Clock, Logger, Random, Timer } from '../src/broker/ports.js'

export const clock: Clock = { nowMs: () => Date.now() }

export const timer: Timer = {
  schedule(delayMs, callback) {
    const id = setTimeout(callback, Math.min(delayMs, TIMER_MS_MAX))
    return () => clearTimeout(id)
  },
}

export const random: Random = { freshId: () => crypto.randomUUID() }

export const logger: Logger = {
  warn: (message, details) => console.warn(`tabmq: ${message}`, details),
  error: (message, details) => console.error(`tabmq: ${message}`, details),
}

/** Errors that nobody caught reach no tab by themselves (rule 36); here at least they are said. */
export function logUncaught(): void {
  globalThis.addEventListener('error', ({ error, message }) => {
    logger.error('an error was not caught', error ?? message)
  })
  globalThis.addEventListener('unhandledrejection', ({ reason }) => {
    logger.error('a rejection was not handled', reason)
  })
}
