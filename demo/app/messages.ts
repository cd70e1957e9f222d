/**
 * The message area: whatever goes wrong is said here, and stays until it is closed, pushed out by
 * newer ones, or no longer true: each message is about something, and what is tried again or has
 * worked is forgotten.
 */
import { describeError } from '../describe-error.js'
import { Cell } from './cell.js'

export type Tone = 'info' | 'problem'

/** What a message is about. */
export type Subject =
  | 'start'
  | 'new tab'
  | 'close tab'
  | 'worker'
  | 'clear'
  | 'replay'
  | 'file'
  | 'file under way'
  | 'message'
  | 'checker'
  | 'queue'
  | 'jobs in hand'
  | 'exchange'
  | 'network'
  | 'offline'
  | 'group'
  | 'storage'
  | 'lesson'
  | 'broker'

export interface ShownMessage {
  readonly id: number
  readonly about: Subject
  readonly tone: Tone
  readonly text: string
  /** How often it was said. */
  readonly times: number
}

const MESSAGES_MAX = 4

export class Messages {
  /** The oldest first. */
  readonly shown = new Cell<readonly ShownMessage[]>([])
  readonly #maybeGiveUp: (error: unknown) => boolean
  #lastId = 0

  /** @param maybeGiveUp whether an error means that the page cannot work at all, and it says so */
  constructor(maybeGiveUp: (error: unknown) => boolean) {
    this.#maybeGiveUp = maybeGiveUp
  }

  /** Says something; saying it again while it is there counts up instead of filling the area. */
  say(about: Subject, tone: Tone, text: string): void {
    const before = this.shown.value.find((one) => one.text === text)
    if (before === undefined) {
      const message = { id: ++this.#lastId, about, tone, text, times: 1 }
      this.shown.set([...this.shown.value, message].slice(-MESSAGES_MAX))
    } else {
      const again = { ...before, times: before.times + 1 }
      this.shown.set(this.shown.value.map((one) => (one === before ? again : one)))
    }
  }

  /** @param doing what was tried, as the beginning of a sentence: `Sending failed` */
  fail(about: Subject, doing: string, error: unknown): void {
    if (this.#maybeGiveUp(error)) return
    this.say(about, 'problem', `${doing}. ${describeError(error)}`)
  }

  /** Tries something; what was said about it before is forgotten, and what fails is said. */
  async attempt(about: Subject, failure: string, action: () => Promise<unknown>): Promise<void> {
    this.forget(about)
    try {
      await action()
    } catch (error) {
      this.fail(about, failure, error)
    }
  }

  /** What was said about this is no longer true, or is tried again. */
  forget(about: Subject): void {
    this.#keep((one) => one.about !== about)
  }

  close(id: number): void {
    this.#keep((one) => one.id !== id)
  }

  #keep(isKept: (message: ShownMessage) => boolean): void {
    const kept = this.shown.value.filter(isKept)
    if (kept.length < this.shown.value.length) this.shown.set(kept)
  }
}
