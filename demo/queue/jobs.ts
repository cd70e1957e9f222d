/** The queue of jobs as this tab uses it: adds jobs, works on them, and sends dead letters back. */
import type { Admin, ClusterState, Producer, Tabmq } from '../../src/index.js'
import { Cell } from '../app/cell.js'
import type { Messages } from '../app/messages.js'
import type { UnderWay } from '../app/under-way.js'
import { formatQuantity } from '../format.js'
import { DEAD_JOBS, JOBS } from '../names.js'
import { JobWorker, type Job } from './job-worker.js'
import { queueStateOf } from './queue-state.js'

const JOB_MS_MAX = 2_000
const LOCKS_LOST =
  'Jobs that this tab had in hand are given out again: their locks ended with the broker, or in a tab that stood still. Each is done at least once.'

export interface JobsOptions {
  readonly mq: Tabmq
  readonly admin: Admin
  readonly producer: Producer
  readonly messages: Messages
  readonly underWay: UnderWay
}

export class Jobs {
  /** Whether this tab works on jobs. */
  readonly isWorking = new Cell(false)
  readonly #options: JobsOptions
  readonly #worker: JobWorker
  #isDone = false
  #areLocksLost = false

  constructor(options: JobsOptions) {
    this.#options = options
    this.#worker = new JobWorker({
      mq: options.mq,
      onChange: () => this.isWorking.set(this.#worker.isStarted),
      onError: (error) => options.messages.fail('queue', 'A job could not be worked on', error),
      onLocksLost: () => this.#sayLocksLost(),
    })
  }

  /** Looks at each state: what was said of jobs that come again is over when all are done. */
  look(state: ClusterState): void {
    const { waiting, delayed, inHand } = queueStateOf(state)
    this.#isDone = waiting === 0 && delayed === 0 && inHand.every(({ jobs }) => jobs === 0)
    if (!this.#isDone) return
    this.#areLocksLost = false
    this.#options.messages.forget('jobs in hand')
  }

  add(count: number, { isPoison }: { isPoison: boolean }): Promise<void> {
    const { producer, underWay } = this.#options
    return underWay.once(isPoison ? 'add a job that fails' : 'add jobs', () =>
      this.#attempt('The jobs were not added', async () => {
        await this.#ensureTopic()
        const messages = Array.from({ length: count }, () => {
          const value: Job = { takesMs: Math.round(Math.random() * JOB_MS_MAX), isPoison }
          return { value }
        })
        await producer.send({ topic: JOBS, messages })
      }),
    )
  }

  /** Starts or stops to work on jobs in this tab. */
  toggle(): Promise<void> {
    return this.isWorking.value ? this.stop() : this.start()
  }

  start(): Promise<void> {
    return this.#attempt('The worker did not start', () =>
      this.#worker.start(() => this.#ensureTopic()),
    )
  }

  stop(): Promise<void> {
    return this.#attempt('The worker did not stop', () => this.#worker.stop())
  }

  redrive(): Promise<void> {
    const { admin, messages, underWay } = this.#options
    return underWay.once('redrive', () =>
      this.#attempt('The dead letters were not sent back', async () => {
        const count = await admin.redrive({ from: DEAD_JOBS })
        const text = `${formatQuantity(count, 'dead letter')} sent back to the queue.`
        messages.say('queue', 'info', text)
      }),
    )
  }

  #sayLocksLost(): void {
    if (this.#isDone || this.#areLocksLost) return
    // Once for all that were in hand.
    this.#areLocksLost = true
    this.#options.messages.say('jobs in hand', 'info', LOCKS_LOST)
  }

  #ensureTopic(): Promise<unknown> {
    return this.#options.admin.createTopics({ topics: [{ topic: JOBS }], ifNotExists: true })
  }

  #attempt(failure: string, action: () => Promise<void>): Promise<void> {
    return this.#options.messages.attempt('queue', failure, action)
  }
}
