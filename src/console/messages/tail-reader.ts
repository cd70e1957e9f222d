/**
 * Steps of a tail, one after the other: it is told of each state of the topic and reads on for as long as there
 * is one that it has not read up to. What arrives while a step is under way is read when that ends.
 */
import type { TopicState } from '../../index.js'
import type { MessageTail, TailStep } from './message-tail.js'

/** After an error: the next state may be long in coming. */
export const RETRY_DELAY_MS = 1_000

export interface TailReaderOptions {
  readonly tail: Pick<MessageTail, 'next'>
  readonly onStep: (step: TailStep) => void
  /** It tries again of itself. */
  readonly onError: (error: unknown) => void
}

export class TailReader {
  readonly #options: TailReaderOptions
  /** Undefined where there is nothing to read up to: before the first, and while there is no such topic. */
  #newest: TopicState | undefined
  /** Up to where the last step came. */
  #read: TopicState | undefined
  #isReading = false
  #isStopped = false
  #retry: ReturnType<typeof setTimeout> | undefined

  constructor(options: TailReaderOptions) {
    this.#options = options
  }

  /** The topic as it is now; undefined where it does not exist. */
  update(topic: TopicState | undefined): void {
    if (this.#isStopped) return
    this.#newest = topic
    if (!this.#isReading) void this.#run()
  }

  /** Of a step under way nothing is told any more. */
  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#retry)
  }

  async #run(): Promise<void> {
    clearTimeout(this.#retry)
    this.#isReading = true
    try {
      for (let topic = this.#unread; topic !== undefined; topic = this.#unread) {
        const step = await this.#options.tail.next(topic)
        this.#read = topic
        if (!this.#isStopped) this.#options.onStep(step)
      }
    } catch (error) {
      if (this.#isStopped) return
      this.#options.onError(error)
      this.#retry = setTimeout(() => void this.#run(), RETRY_DELAY_MS)
    } finally {
      this.#isReading = false
    }
  }

  get #unread(): TopicState | undefined {
    return this.#isStopped || this.#newest === this.#read ? undefined : this.#newest
  }
}
