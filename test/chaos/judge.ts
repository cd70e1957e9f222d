/**
 * Replays a record through the checkers: those of the simulator, as far as they need no look into the
 * broker, and those that only know what tabs see. The whole log is known beforehand, as it was read
 * at the end; so what was delivered has to be in it, and what was acknowledged.
 */
import type { DurableRecord } from '../../src/broker/records.js'
import {
  FINAL_CODES,
  RETRIABLE_CODES,
  TabmqError,
  type ErrorCode,
} from '../../src/protocol/errors.js'
import type { GroupId, PartitionId, TopicId, TopicName } from '../../src/protocol/names.js'
import { addCheckers } from '../sim/checkers/add-checkers.js'
import { HandlerFailed } from '../sim/checkers/call-checker.js'
import { DurableLog, nameOf } from '../sim/durable-log.js'
import { History, type Call, type Reader, type Send, type Violation } from '../sim/history.js'
import { AnswersChecker } from './checkers/answers-checker.js'
import { CommitmentChecker } from './checkers/commitment-checker.js'
import { JobsChecker } from './checkers/jobs-checker.js'
import { OwnershipChecker } from './checkers/ownership-checker.js'
import { StoresChecker, type StoresAtEnd } from './checkers/stores-checker.js'
import type { ReadPartition } from './healing.js'
import { JOBS_TOPIC_OF_DEAD } from './plan.js'
import { HANDLER_FAILED } from './page/handler-failed.js'
import type {
  OffsetOnDisk,
  RecordedError,
  RecordedEvent,
  RecordedMessage,
  RecordedReader,
  StoredLog,
} from './record.js'

/** How long a member that is awake may not know that it was fenced: a busy machine, no more. */
const UNAWARE_MS_MAX = 5_000

export interface Evidence {
  readonly events: readonly RecordedEvent[]
  readonly log: StoredLog
  /** What a consumer without a group reads. */
  readonly read: readonly ReadPartition[]
  readonly groupIds: readonly string[]
  /** Undefined where nobody has stores. */
  readonly stores: StoresAtEnd | undefined
}

export function judge(evidence: Evidence): readonly Violation[] {
  return new Judge(evidence).judge()
}

/** How many messages are in the log. */
export function storedCount(log: StoredLog): number {
  const stored = new DurableLog()
  stored.apply({ records: recordsOf(log), durability: 'strict' }, () => {})
  return [...stored.all()].reduce((sum, { ids }) => sum + ids.length, 0)
}

class Judge {
  readonly #evidence: Evidence
  readonly #history: History
  readonly #own: readonly { on(event: RecordedEvent): void }[]
  readonly #sends = new Map<number, Send>()
  readonly #calls = new Map<string, Call>()
  readonly #dead = new Set<string>()
  /** Told before they are: what a handler begins until then, it ends when the tab is back. */
  readonly #asleep = new Set<string>()
  readonly #offsets = new Map<string, number>()
  /** Which broker each consumer has joined, counted. */
  readonly #brokers = new Map<string, number>()
  readonly #runningSinceMs = new Map<string, number>()
  #brokerCount = 0
  #atMs = 0

  constructor(evidence: Evidence) {
    this.#evidence = evidence
    this.#history = new History(() => this.#atMs, undefined)
    const groups = evidence.groupIds.map((groupId) => ({ groupId, fromBeginning: true }))
    const topics = new Set(
      evidence.log.topics.map(({ topic }) => topic).filter((topic) => topic !== JOBS_TOPIC_OF_DEAD),
    )
    addCheckers(this.#history, { groups, topics, unawareMsMax: UNAWARE_MS_MAX })
    const log = new DurableLog()
    log.apply({ records: recordsOf(evidence.log), durability: 'strict' }, () => {})
    const { stores } = evidence
    const report = (checker: string) => (message: string) => this.#history.report(checker, message)
    this.#own = [
      new OwnershipChecker(report('ownership'), UNAWARE_MS_MAX),
      new JobsChecker(report('jobs'), log),
      new AnswersChecker(report('answers')),
      ...(stores === undefined ? [] : [new StoresChecker(report('stores'), log, stores)]),
      new CommitmentChecker(report('commitment'), placesOf(evidence.log)),
    ]
  }

  judge(): readonly Violation[] {
    const { events, log } = this.#evidence
    for (const event of events) if (event.type === 'sending') this.#sending(event)
    this.#history.tellDurable(recordsOf(log), 'strict')
    this.#compareWithRead()
    for (const event of events) {
      this.#atMs = event.atMs
      for (const checker of this.#own) checker.on(event)
      this.#tell(event)
    }
    return this.#history.violations
  }

  #sending(event: Extract<RecordedEvent, { type: 'sending' }>): void {
    for (const send of event.sends) {
      const told = { ...send, tab: event.tab }
      for (const id of send.ids) this.#sends.set(id, told)
      this.#history.tell({ type: 'sending', send: told })
    }
  }

  /** What the broker gives is what is on the disk. */
  #compareWithRead(): void {
    const { log, read } = this.#evidence
    const onDisk = new DurableLog()
    onDisk.apply({ records: recordsOf(log), durability: 'strict' }, () => {})
    for (const { ids, ...place } of read) {
      const stored = onDisk.at(place)?.ids ?? []
      if (ids.join() === stored.join()) continue
      const counts = `${ids.length} messages, ${stored.length} are on the disk`
      this.#history.report('aborted-read', `${nameOf(place)}: the broker gives ${counts}`)
    }
  }

  #tell(event: RecordedEvent): void {
    const history = this.#history
    switch (event.type) {
      case 'sent': {
        const send = this.#sends.get(event.id)
        if (send === undefined)
          history.report('inconsistent-offsets', `message ${event.id} was never announced`)
        else history.tell({ type: 'sent', send, results: event.results })
        return
      }
      case 'called':
        if (this.#dead.has(event.tab)) return
        this.#calls.set(`${event.tab} ${event.call}`, { tab: event.tab, name: event.name })
        return history.tell({ type: 'called', call: this.#callOf(event) })
      case 'settled':
        // What a tab did that was dead by then was under way, and nobody's.
        if (this.#dead.has(event.tab) && !this.#knows(event)) return
        return history.tell({
          type: 'settled',
          call: this.#callOf(event),
          error: errorOf(event.error),
        })
      case 'overdue':
        return history.report(
          'calls',
          `${event.tab}: ${event.name} has not settled in ${Math.round(event.awakeMs)} ms awake`,
        )
      case 'handling':
      case 'handled':
      case 'threw':
        return history.tell({ ...this.#handlingOf(event.tab, event), type: event.type })
      case 'sought': {
        const { groupId, consumer, place, offset } = event
        return history.tell({ type: 'sought', groupId, consumer, place, offset })
      }
      case 'joined':
        this.#brokers.set(event.reader.consumer, this.#brokerCount)
        return
      case 'assigned':
      case 'lost': {
        const reader = readerOf(event.tab, event.reader)
        return history.tell({ type: event.type, reader, places: event.places })
      }
      case 'froze':
        this.#asleep.add(event.tab)
        return history.tell({ type: 'tabFroze', tab: event.tab })
      case 'resumed':
        this.#asleep.delete(event.tab)
        this.#runningSinceMs.set(event.tab, event.atMs)
        return
      case 'crashed': {
        const error = errorOf(event.error)
        return history.tell({ type: 'crashed', reader: readerOf(event.tab, event.reader), error })
      }
      case 'uncaught':
        return history.tell({ type: 'uncaught', where: event.tab, error: errorOf(event.error) })
      case 'workerSaid':
        return this.#workerSaid(event.text)
      case 'offsets':
        return this.#onDisk(event.rows)
      case 'tabDied':
        this.#dead.add(event.tab)
        return history.tell({ type: 'tabDied', tab: event.tab })
      case 'brokerStarted':
        // Who was given something by the one before may have heard late that it is gone.
        this.#brokerCount += 1
        return history.tell({ type: 'brokerDied' })
      case 'brokerDied':
        return history.tell({ type: 'brokerDied' })
      case 'rest':
        for (const illness of event.illness) history.report('healing', illness)
        return history.tell({ type: 'rest' })
      default:
    }
  }

  /** Errors of the library's own and of nobody; that a broker was superseded is no surprise here. */
  #workerSaid(text: string): void {
    if (/not caught|not handled|a request failed|UNKNOWN_SERVER_ERROR|AssertionError/.test(text)) {
      this.#history.report('worker', text)
    }
  }

  #onDisk(rows: readonly OffsetOnDisk[]): void {
    const changed = rows.flatMap(([groupId, partitionId, offset]): DurableRecord[] => {
      // Of one that counts, the count says it all.
      if (!this.#evidence.groupIds.includes(groupId)) return []
      const key = `${groupId} ${partitionId}`
      if (this.#offsets.get(key) === offset) return []
      this.#offsets.set(key, offset)
      return [
        {
          type: 'offset',
          groupId: groupId as GroupId,
          partitionId: partitionId as PartitionId,
          value: { offset, committedAtMs: this.#atMs },
        },
      ]
    })
    if (changed.length > 0) this.#history.tellDurable(changed, 'strict')
  }

  /** Of who has not joined the running broker yet, or is dead by now, no broker knows. */
  #handlingOf(tab: string, { reader, place, offset, id }: RecordedMessage) {
    const isOfRunning = this.#brokers.get(reader.consumer) === this.#brokerCount
    return {
      reader: readerOf(tab, reader),
      place,
      offset,
      id,
      isConnected: isOfRunning && !this.#dead.has(tab) && !this.#asleep.has(tab),
      runningSinceMs: this.#runningSinceMs.get(tab) ?? -Infinity,
    }
  }

  #knows({ tab, call }: { readonly tab: string; readonly call: number }): boolean {
    return this.#calls.has(`${tab} ${call}`)
  }

  /** The call that settles is the object that was told of when it was made. */
  #callOf({ tab, call }: { readonly tab: string; readonly call: number }): Call {
    return this.#calls.get(`${tab} ${call}`) ?? { tab, name: 'a call of a dead tab' }
  }
}

function readerOf(tab: string, reader: RecordedReader): Reader {
  const { consumer, groupId, memberId, memberEpoch } = reader
  return { tab, consumer, groupId, memberId, memberEpoch }
}

const ERROR_CODES = new Set<string>([...RETRIABLE_CODES, ...FINAL_CODES])

function errorOf(error: RecordedError | undefined): unknown {
  if (error === undefined) return undefined
  const { code, message } = error
  if (code === HANDLER_FAILED) return new HandlerFailed(message)
  if (code !== undefined && ERROR_CODES.has(code)) return new TabmqError(code as ErrorCode, message)
  return new Error(message)
}

function recordsOf({ topics, batches }: StoredLog): DurableRecord[] {
  return [
    ...topics.map(({ topic, partitionIds }, index) => ({
      type: 'topic' as const,
      topicId: `topic-${index}` as TopicId,
      value: {
        topic: topic as TopicName,
        partitionIds: partitionIds as PartitionId[],
        config: {
          retentionMs: null,
          retentionBytes: null,
          maxMessageBytes: 1,
          dedupWindowMs: null,
        },
        createdAtMs: 0,
      },
    })),
    ...batches.map(({ partitionId, baseOffset, batch }) => ({
      type: 'batch' as const,
      partitionId: partitionId as PartitionId,
      baseOffset,
      batch,
    })),
  ]
}

function placesOf({ topics }: StoredLog): Map<number, string> {
  return new Map(
    topics.flatMap(({ topic, partitionIds }) =>
      partitionIds.map((id, partition) => [id, nameOf({ topic, partition })] as const),
    ),
  )
}
