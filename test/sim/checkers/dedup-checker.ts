/**
 * Of the messages with one id in a topic with a window, one is in the log within it, and every other is
 * told where that one is: at an offset of a message with the same id, which is on the disk by then.
 */
import type { DurableRecord } from '../../../src/broker/records.js'
import { parseBatchHeader } from '../../../src/protocol/batch-header.js'
import { readBatchIndex } from '../../../src/protocol/batch-index.js'
import type { PartitionId, TopicId } from '../../../src/protocol/names.js'
import { nameOf } from '../durable-log.js'
import type { Checker, CheckerParts, Send, SentShare, SimEvent } from '../history.js'
import type { SentMessages } from './sent-messages.js'

/** The time of an append is kept to the second. */
const INEXACT_MS = 1_000

interface TopicWindow {
  readonly topicId: TopicId
  readonly windowMs: number | null
}

interface First {
  readonly partitionId: PartitionId
  readonly offset: number
  readonly appendedAtMs: number
}

const decoder = new TextDecoder()

export class DedupChecker implements Checker {
  readonly name = 'dedup'
  readonly #parts: CheckerParts
  readonly #sends: SentMessages
  readonly #windows = new Map<PartitionId, TopicWindow>()
  /** Of each topic, the last message with an id that was stored. */
  readonly #firsts = new Map<TopicId, Map<string, First>>()
  /** Every id that was ever at an offset. */
  readonly #ids = new Map<PartitionId, Map<number, Set<string>>>()

  constructor(parts: CheckerParts, sends: SentMessages) {
    this.#parts = parts
    this.#sends = sends
  }

  on(event: SimEvent): void {
    if (event.type === 'durable') {
      for (const record of event.records) this.#durable(record)
    } else if (event.type === 'sent') {
      this.#sent(event.send, event.results)
    } else if (event.type === 'powerCut' || event.type === 'clockJumped') {
      // What came before may be lost, or forgotten by a clock that was ahead.
      this.#firsts.clear()
    }
  }

  #durable(record: DurableRecord): void {
    if (record.type === 'batch') return this.#append(record)
    if (record.type !== 'topic' || record.value === null) return
    const { topicId } = record
    const { partitionIds, config } = record.value
    const windowMs = config.dedupWindowMs
    for (const partitionId of partitionIds) this.#windows.set(partitionId, { topicId, windowMs })
  }

  #append({ partitionId, batch }: Extract<DurableRecord, { type: 'batch' }>): void {
    const window = this.#windows.get(partitionId)
    if (window === undefined || window.windowMs === null) return
    const { baseOffset, appendedAtMs } = parseBatchHeader(batch)
    let offset = baseOffset - 1
    for (const { properties, isVoid } of readBatchIndex(batch)) {
      offset += 1
      if (properties?.messageId === undefined || isVoid === true) continue
      const id = decoder.decode(properties.messageId)
      this.#check(
        id,
        { partitionId, offset, appendedAtMs },
        { ...window, windowMs: window.windowMs },
      )
      this.#at(partitionId, offset).add(id)
    }
  }

  #check(id: string, message: First, window: { topicId: TopicId; windowMs: number }): void {
    const firsts = this.#firsts.get(window.topicId) ?? new Map<string, First>()
    this.#firsts.set(window.topicId, firsts)
    const first = firsts.get(id)
    firsts.set(id, message)
    if (first === undefined) return
    const agoMs = message.appendedAtMs - first.appendedAtMs
    // Of what is deleted a broker that starts knows nothing.
    const { logStartOffset = 0 } = this.#parts.log.byId(first.partitionId) ?? {}
    if (agoMs >= window.windowMs - INEXACT_MS || first.offset < logStartOffset) return
    const where = `${this.#placeOf(first)} and, ${agoMs} ms later, ${this.#placeOf(message)}`
    this.#parts.report(`“${id}” was stored at ${where}`)
  }

  #sent({ topic, messageIds = new Map() }: Send, results: readonly SentShare[]): void {
    const duplicates = results.flatMap((share) => share.duplicates ?? [])
    for (const { messageId, partition, offset } of duplicates) {
      const lives = this.#parts.log.everAt({ topic, partition })
      const isThere = lives.some(({ partitionId }) =>
        this.#ids.get(partitionId)?.get(offset)?.has(messageId),
      )
      if (isThere) continue
      this.#parts.report(`“${messageId}” is said to be at ${topic}/${partition}@${offset}`)
    }
    for (const id of messageIds.keys()) {
      // One that is not numbered may repeat itself.
      if (!this.#sends.isRepeat(id) || !this.#sends.isIdempotent(id)) continue
      if (this.#parts.log.find(id).length === 0) continue
      this.#parts.report(`message ${id} is called a duplicate, and was stored`)
    }
  }

  #at(partitionId: PartitionId, offset: number): Set<string> {
    const ofPartition = this.#ids.get(partitionId) ?? new Map<number, Set<string>>()
    this.#ids.set(partitionId, ofPartition)
    const ids = ofPartition.get(offset) ?? new Set<string>()
    ofPartition.set(offset, ids)
    return ids
  }

  #placeOf({ partitionId, offset }: First): string {
    const partition = this.#parts.log.byId(partitionId)
    return `${partition === undefined ? partitionId : nameOf(partition.place)}@${offset}`
  }
}
