/** Works on jobs in this tab, as a member of the page's share group. */
import { TabmqError, type ShareConsumer, type Tabmq } from '../../src/index.js'
import { DEAD_JOBS, JOBS, JOB_GROUP } from '../names.js'

/** A job takes so long; a poison one fails whenever it is tried. */
export interface Job {
  readonly takesMs: number
  readonly isPoison: boolean
}

export interface JobWorkerOptions {
  readonly mq: Tabmq
  readonly onChange: () => void
  readonly onError: (error: unknown) => void
  /** Locks have ended before their jobs were done, as they do with their broker: the jobs come again. */
  readonly onLocksLost: () => void
}

const TRIES = 5
const AT_ONCE = 3

export class JobWorker {
  readonly #options: JobWorkerOptions
  #consumer: ShareConsumer | undefined

  constructor(options: JobWorkerOptions) {
    this.#options = options
  }

  get isStarted(): boolean {
    return this.#consumer !== undefined
  }

  /** @param ready makes the topic. Whoever stops meanwhile stops this. */
  async start(ready: () => Promise<unknown>): Promise<void> {
    if (this.#consumer !== undefined) return
    const { mq, onChange, onError, onLocksLost } = this.#options
    const consumer = mq.shareConsumer({
      groupId: JOB_GROUP,
      deliveryCountLimit: TRIES,
      deadLetterTopic: DEAD_JOBS,
      lockDurationMs: 10_000,
      retry: { initialDelayMs: 500, multiplier: 2 },
    })
    this.#consumer = consumer
    consumer.on('crash', ({ error, willRetry }) => {
      if (willRetry) return
      if (isLockLost(error)) onLocksLost()
      else onError(error)
    })
    consumer.on('stop', () => {
      if (this.#consumer === consumer) void this.stop()
    })
    onChange()
    const isStopped = () => this.#consumer !== consumer
    try {
      await ready()
      if (isStopped()) return
      await consumer.subscribe({ topics: [JOBS] })
      await consumer.run({
        concurrency: AT_ONCE,
        eachMessage: async ({ message, signal }) => {
          const { takesMs, isPoison } = message.value as Job
          await waited(takesMs, signal)
          if (isPoison) throw new Error('this job always fails')
        },
      })
    } catch (error) {
      // Who is stopped meanwhile cannot begin, which is no failure; another may have begun since.
      if (isStopped()) return
      await this.stop()
      throw error
    }
  }

  async stop(): Promise<void> {
    const consumer = this.#consumer
    this.#consumer = undefined
    this.#options.onChange()
    await consumer?.disconnect()
  }
}

function isLockLost(error: unknown): boolean {
  return error instanceof TabmqError && error.code === 'INVALID_RECORD_STATE'
}

/** Rejects when somebody else may have the job. */
function waited(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms)
    const onAbort = () => {
      clearTimeout(timer)
      reject(signal.reason as Error)
    }
    signal.addEventListener('abort', onAbort, { once: true })
  })
}
