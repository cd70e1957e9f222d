/**
 * What happened in a run, as the checkers hear it: what users saw (calls, handlers), what became
 * durable, who was alive. The checkers know nothing else of the world, except for what `audit` lets
 * them look at: the broker that runs.
 */
import type { Broker } from '../../src/broker/runtime/broker.js'
import type { DurableRecord } from '../../src/broker/records.js'
import type { Acks } from '../../src/protocol/requests.js'
import { DurableLog, type Appended } from './durable-log.js'

/** Identifies a message wherever it appears: what every message's value carries. */
export type MessageId = number

/** A consumer as its handlers know it: one in one tab. */
export interface Reader {
  readonly tab: string
  readonly consumer: string
  readonly groupId: string
  /** Undefined before it first joined. */
  readonly memberId: string | undefined
  readonly memberEpoch: number
}

export interface Place {
  readonly topic: string
  readonly partition: number
}

export type SimEvent =
  // What users do.
  | { readonly type: 'sending'; readonly send: Send }
  | { readonly type: 'sent'; readonly send: Send; readonly results: readonly SentShare[] }
  | { readonly type: 'called'; readonly call: Call }
  | { readonly type: 'settled'; readonly call: Call; readonly error: unknown }
  | { readonly type: 'crashed'; readonly reader: Reader; readonly error: unknown }
  | { readonly type: 'uncaught'; readonly where: string; readonly error: unknown }
  /** The positions of a group were moved by hand: its offsets may fall. */
  | { readonly type: 'sought'; readonly groupId: string; readonly place: Place }
  // What handlers are given.
  | Handling
  /** The handler returned, or threw: only the first counts as having handled the message. */
  | (Omit<Handling, 'type'> & { readonly type: 'handled' })
  | (Omit<Handling, 'type'> & { readonly type: 'threw' })
  // What becomes durable.
  | {
      readonly type: 'durable'
      readonly records: readonly DurableRecord[]
      readonly appended: readonly Appended[]
    }
  // Who lives.
  | { readonly type: 'tabDied'; readonly tab: string }
  | { readonly type: 'brokerStarted'; readonly broker: Broker }
  | { readonly type: 'brokerDied' }
  /** Everything that can be looked at between two events. */
  | { readonly type: 'audit'; readonly broker: Broker }
  /** The end of a run that healed: nothing is under way any more. */
  | { readonly type: 'rest' }

export interface Handling {
  readonly type: 'handling'
  readonly reader: Reader
  readonly place: Place
  readonly offset: number
  readonly id: MessageId
  /** Whether the tab's connection is to the broker that runs, and since when the tab does. */
  readonly isConnected: boolean
  readonly runningSinceMs: number
}

export interface Send {
  readonly tab: string
  readonly producer: string
  readonly topic: string
  readonly ids: readonly MessageId[]
  readonly acks: Acks
  readonly isIdempotent: boolean
}

export interface SentShare {
  readonly partition: number
  readonly baseOffset: number
}

/** A promise that the library gave to a user. */
export interface Call {
  readonly tab: string
  readonly name: string
}

export interface Violation {
  readonly checker: string
  readonly atMs: number
  readonly message: string
}

export interface Checker {
  readonly name: string
  on(event: SimEvent): void
}

export type Report = (message: string) => void

export interface CheckerParts {
  readonly report: Report
  /** What is on the disk. */
  readonly log: DurableLog
  readonly nowMs: () => number
}

export class History {
  readonly violations: Violation[] = []
  readonly #checkers: Checker[] = []
  readonly #log = new DurableLog()
  readonly #nowMs: () => number
  readonly #heard: ReadonlySet<string> | undefined
  readonly counts = new Map<SimEvent['type'], number>()

  /** With `heard`, only these checkers count. */
  constructor(nowMs: () => number, heard: readonly string[] | undefined) {
    this.#nowMs = nowMs
    this.#heard = heard === undefined ? undefined : new Set(heard)
  }

  add(name: string, make: (parts: CheckerParts) => Checker): void {
    const report = (message: string) => this.report(name, message)
    this.#checkers.push(make({ report, nowMs: this.#nowMs, log: this.#log }))
  }

  report(checker: string, message: string): void {
    if (this.#heard?.has(checker) === false) return
    this.violations.push({ checker, atMs: this.#nowMs(), message })
  }

  /** These records are on the disk now. */
  tellDurable(records: readonly DurableRecord[]): void {
    const appended = this.#log.apply(records, (message) => this.report('log', message))
    this.tell({ type: 'durable', records, appended })
  }

  tell(event: SimEvent): void {
    this.counts.set(event.type, (this.counts.get(event.type) ?? 0) + 1)
    for (const checker of this.#checkers) checker.on(event)
  }
}
