/**
 * What happened in a run, as the checkers hear it: what users saw (calls, handlers), what brokers
 * were asked and what they answered, what became durable and what of it a power cut took back, who
 * was alive. The checkers know nothing else of the world, except for what `audit` lets them look at:
 * the broker that runs. All other events are plain data, so that what was recorded in a real browser
 * can be told just as well.
 */
import type { Durability } from '../../src/broker/ports.js'
import type { Broker } from '../../src/broker/runtime/broker.js'
import type { DurableRecord } from '../../src/broker/records.js'
import type { Acks } from '../../src/protocol/requests/log.js'
import type { Request, WireReply } from '../../src/protocol/requests/request.js'
import type { DuplicateMessage } from '../../src/index.js'
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

/** A share consumer: one in one tab. */
export interface ShareReader {
  readonly tab: string
  readonly consumer: string
  readonly groupId: string
}

export interface Place {
  readonly topic: string
  readonly partition: number
}

export type SimEvent =
  // What users do.
  | { readonly type: 'sending'; readonly send: Send }
  | { readonly type: 'sent'; readonly send: Send; readonly results: readonly SentShare[] }
  | { readonly type: 'publishing'; readonly publish: Publish }
  | {
      readonly type: 'published'
      readonly publish: Publish
      readonly results: readonly PublishedAt[]
    }
  /** The broker has refused it: it is nowhere. */
  | { readonly type: 'unpublished'; readonly publish: Publish }
  | { readonly type: 'called'; readonly call: Call }
  | { readonly type: 'settled'; readonly call: Call; readonly error: unknown }
  | { readonly type: 'crashed'; readonly reader: Reader; readonly error: unknown }
  | { readonly type: 'uncaught'; readonly where: string; readonly error: unknown }
  /** A consumer of a group was told to go on elsewhere: the offsets of the group may fall. */
  | {
      readonly type: 'sought'
      readonly groupId: string
      /** Undefined when the offset was set for whoever comes. */
      readonly consumer: string | undefined
      readonly place: Place
      readonly offset: number
    }
  /** A consumer holds these from now on. */
  | { readonly type: 'assigned'; readonly reader: Reader; readonly places: readonly Place[] }
  /** It holds these no more, with the membership that it has lost: its handlers may still run. */
  | { readonly type: 'lost'; readonly reader: Reader; readonly places: readonly Place[] }
  // What handlers are given.
  | Handling
  /** The handler returned, or threw: only the first counts as having handled the message. */
  | (Omit<Handling, 'type'> & { readonly type: 'handled' })
  | (Omit<Handling, 'type'> & { readonly type: 'threw' })
  // What handlers of share groups are given.
  | ShareHandling
  /** The handler is done with the message: it is to be accepted. */
  | (Omit<ShareHandling, 'type'> & { readonly type: 'shareHandled' })
  /** It is not, for whatever reason. */
  | (Omit<ShareHandling, 'type'> & { readonly type: 'shareThrew' })
  | { readonly type: 'shareCrashed'; readonly reader: ShareReader; readonly error: unknown }
  // What becomes durable.
  | {
      readonly type: 'durable'
      readonly records: readonly DurableRecord[]
      readonly durability: Durability
      readonly appended: readonly Appended[]
    }
  /** The newest transactions, oldest first, were never on the disk. Nobody who knew of them lives. */
  | { readonly type: 'powerCut'; readonly lost: readonly (readonly DurableRecord[])[] }
  // What brokers are asked and answer, as their end of the port has it.
  | { readonly type: 'requested'; readonly exchange: Exchange; readonly request: Request }
  | {
      readonly type: 'replied'
      readonly exchange: Exchange
      readonly request: Request
      readonly reply: WireReply
    }
  /** A tab said hello to a broker, on a port of its own; the same session may say it again. */
  | { readonly type: 'greeted'; readonly greeting: Greeting }
  /** The broker heard of that port that its tab says goodbye, or that its lock is free. */
  | { readonly type: 'sessionEnded'; readonly greeting: Greeting }
  /**
   * A broker heard that its transaction has failed: it loads its state again, unless it can do
   * without, which it may for want of space. Its worker may have another broker by then.
   */
  | { readonly type: 'commitFailed'; readonly incarnation: string; readonly isForSpace: boolean }
  // Who lives.
  | { readonly type: 'tabDied'; readonly tab: string }
  /** Until it is back nothing of it runs, and it hears nothing. */
  | { readonly type: 'tabFroze'; readonly tab: string }
  | { readonly type: 'brokerStarted'; readonly incarnation: string }
  | { readonly type: 'brokerDied' }
  /** The wall clock went so far ahead, or back, at once. */
  | { readonly type: 'clockJumped'; readonly byMs: number }
  /** Everything that can be looked at between two events. */
  | { readonly type: 'audit'; readonly broker: Broker }
  /** The end of a run that healed: nothing is under way any more. */
  | { readonly type: 'rest' }

/** One request and its reply: the object itself says which reply is to which request. */
export interface Exchange {
  readonly tab: string
  readonly sessionId: string
  /** Of the broker that is asked. */
  readonly incarnation: string
}

/** A session on one port: the object itself says which port it is. */
export interface Greeting {
  readonly sessionId: string
  readonly incarnation: string
}

export interface Transaction {
  readonly records: readonly DurableRecord[]
  readonly durability: Durability
}

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

export interface ShareHandling {
  readonly type: 'shareHandling'
  readonly reader: ShareReader
  readonly place: Place
  readonly offset: number
  readonly id: MessageId
  readonly deliveryCount: number
}

export interface Send {
  readonly tab: string
  readonly producer: string
  readonly topic: string
  readonly ids: readonly MessageId[]
  readonly acks: Acks
  readonly isIdempotent: boolean
  /** By which the broker is to know repeats, where messages have one. */
  readonly messageIds?: ReadonlyMap<MessageId, string>
}

export interface SentShare {
  readonly partition: number
  readonly baseOffset: number
  /** Messages that were not stored, and where the ones are that they repeat. */
  readonly duplicates?: readonly DuplicateMessage[]
  /** None of its messages was. */
  readonly duplicate?: true
}

export interface Publish {
  readonly producer: string
  readonly exchange: string
  readonly routingKey: string
  readonly ids: readonly MessageId[]
  readonly acks: Acks
}

export interface PublishedAt extends Place {
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

export interface Listener {
  on(event: SimEvent): void
}

export interface Checker extends Listener {
  readonly name: string
}

export type Report = (message: string) => void

export interface CheckerParts {
  readonly report: Report
  /** What is on the disk. */
  readonly log: DurableLog
  /** How it came to be: every transaction that is on the disk, oldest first. */
  readonly journal: readonly Transaction[]
  readonly nowMs: () => number
}

export class History {
  readonly violations: Violation[] = []
  readonly #listeners: Listener[] = []
  readonly #names: string[] = []
  readonly #log = new DurableLog()
  readonly #journal: Transaction[] = []
  readonly #nowMs: () => number
  readonly #heard: ReadonlySet<string> | undefined
  readonly counts = new Map<SimEvent['type'], number>()

  /** With `heard`, only these checkers count. */
  constructor(nowMs: () => number, heard: readonly string[] | undefined) {
    this.#nowMs = nowMs
    this.#heard = heard === undefined ? undefined : new Set(heard)
  }

  /** Every transaction that is on the disk, oldest first: all that is needed to make it again. */
  get journal(): readonly Transaction[] {
    return this.#journal
  }

  /** How many of the last transactions a power cut may take: those after the last strict one. */
  get relaxedCount(): number {
    const lastStrict = this.#journal.findLastIndex(({ durability }) => durability === 'strict')
    return this.#journal.length - 1 - lastStrict
  }

  /** What is on the disk. */
  get log(): DurableLog {
    return this.#log
  }

  /** The checkers, by the names under which they report. */
  get checkers(): readonly string[] {
    return this.#names
  }

  add<C extends Checker>(name: string, make: (parts: CheckerParts) => C): C {
    this.#names.push(name)
    return this.listen(make, name)
  }

  /** Adds who hears everything and reports nothing. */
  listen<L extends Listener>(make: (parts: CheckerParts) => L, name = 'history'): L {
    const listener = make({
      report: (message) => this.report(name, message),
      nowMs: this.#nowMs,
      log: this.#log,
      journal: this.#journal,
    })
    this.#listeners.push(listener)
    return listener
  }

  report(checker: string, message: string): void {
    if (this.#heard?.has(checker) === false) return
    this.violations.push({ checker, atMs: this.#nowMs(), message })
  }

  /** These records are on the disk now. */
  tellDurable(records: readonly DurableRecord[], durability: Durability): void {
    const transaction = { records, durability }
    this.#journal.push(transaction)
    const appended = this.#log.apply(transaction, (message) =>
      this.report('inconsistent-offsets', message),
    )
    this.tell({ type: 'durable', records, durability, appended })
  }

  /** The last so many transactions are gone. Whoever lived died before, and was told of. */
  tellPowerCut(lostTransactions: number): void {
    if (lostTransactions > this.relaxedCount) {
      throw new Error(`a power cut takes ${this.relaxedCount} at most, not ${lostTransactions}`)
    }
    const lost = this.#journal.splice(this.#journal.length - lostTransactions)
    this.#log.restore(this.#journal)
    this.tell({ type: 'powerCut', lost: lost.map(({ records }) => records) })
  }

  tell(event: SimEvent): void {
    this.counts.set(event.type, (this.counts.get(event.type) ?? 0) + 1)
    for (const listener of this.#listeners) listener.on(event)
  }
}
