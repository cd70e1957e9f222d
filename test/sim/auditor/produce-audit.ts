/**
 * What a produce may be answered: a base offset where the disk has that very batch; `duplicate` for
 * what was there already, and only for that; the errors of the idempotent producer only where its
 * rows say so. The rules of sequences are written here a second time, from KIP-98, on purpose.
 */
import {
  BATCH_HEADER_BYTES,
  parseBatchHeader,
  writeBatchHasVoid,
  type BatchProducer,
} from '../../../src/protocol/batch-header.js'
import { BatchIndexReader } from '../../../src/protocol/batch-index.js'
import type { ProducedBatch } from '../../../src/protocol/requests/log.js'
import { VOID } from '../durable-log.js'
import type { WireError } from '../../../src/protocol/errors.js'
import type { PartitionId } from '../../../src/protocol/names.js'
import type { ProducerRow } from '../../../src/broker/rows.js'
import {
  areSamePartitions,
  isOfFaults,
  wasMissing,
  type Answered,
  type Asked,
  type AuditParts,
} from './audit.js'

/** What of a batch is not the sender's: where the broker writes its placement. */
const PLACEMENT: readonly (readonly [from: number, to: number])[] = [
  [8, 32],
  [76, 80],
]

/** A batch as it came, before the broker wrote anything into it. */
interface SentBatch {
  readonly partitionId: PartitionId
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly recordCount: number
  readonly largestMessageBytes: number
  readonly producer: BatchProducer | undefined
  readonly isRepeat: boolean
}

type Verdict = 'append' | 'forgotten' | 'out of order' | 'fenced' | { readonly duplicateAt: number }

export class ProduceAudit {
  readonly #parts: AuditParts
  readonly #sent = new WeakMap<object, readonly SentBatch[]>()

  constructor(parts: AuditParts) {
    this.#parts = parts
  }

  asked({ exchange, request }: Asked<'produce'>): void {
    const sent = request.batches.map(({ partitionId, batch, isRepeat = false }) => {
      const { producer, recordCount, largestMessageBytes } = parseBatchHeader(batch)
      const bytes = new Uint8Array(batch.slice(0))
      return { partitionId, bytes, recordCount, largestMessageBytes, producer, isRepeat }
    })
    this.#sent.set(exchange, sent)
  }

  answered(answered: Answered<'produce'>): void {
    const { exchange, request, response } = answered
    const sent = this.#sent.get(exchange) ?? []
    if (!areSamePartitions(sent, response.results)) {
      return this.#parts.report(exchange, 'the results are not those of the batches')
    }
    for (const [index, result] of response.results.entries()) {
      const batch = sent[index]
      if (batch === undefined) continue
      if (result.error !== undefined) this.#failed(answered, batch, result.error)
      // With acks 0 the offset is a forecast: nothing waits for the disk.
      else if (request.acks !== 0) this.#appended(answered, batch, result)
    }
  }

  #appended(asked: Asked, sent: SentBatch, result: ProducedBatch): void {
    const { durable } = this.#parts
    const { baseOffset, duplicate } = result
    this.#repeated(asked, sent, result)
    const { partitionId, producer, recordCount } = sent
    const what = `partition ${partitionId}@${baseOffset}`
    const stored = durable.log
      .byId(partitionId)
      ?.batches.findLast((batch) => batch.baseOffset === baseOffset)
    if (result.isAppended !== false) {
      if (stored === undefined || !isSameBatch(sent.bytes, new Uint8Array(stored.batch))) {
        return this.#parts.report(asked.exchange, `${what}: that batch is not on the disk there`)
      }
      durable.acknowledge(partitionId, baseOffset + recordCount)
    }
    if (producer === undefined) {
      if (duplicate) this.#parts.report(asked.exchange, `${what}: duplicate, without a producer`)
      return
    }
    const isTrue = (verdict: Verdict) =>
      typeof verdict === 'object' ? duplicate && verdict.duplicateAt === baseOffset : !duplicate
    const isRight = this.#everWas(asked, sent, producer, (verdict) => {
      return typeof verdict === 'object' || verdict === 'append' ? isTrue(verdict) : false
    })
    if (isRight) return
    const text = duplicate ? 'a duplicate, and is none' : 'new, and is none'
    this.#parts.report(asked.exchange, `${what}: ${describe(producer)} is called ${text}`)
  }

  /** Where a message is said to be, one is; that it has the same id is the checker's. */
  #repeated(
    asked: Asked,
    { partitionId }: SentBatch,
    { repeats, isAppended }: ProducedBatch,
  ): void {
    const { durable, report } = this.#parts
    if (repeats === undefined) {
      if (isAppended === false) report(asked.exchange, 'nothing is appended, and nothing repeated')
      return
    }
    const topic = durable.log.byId(partitionId)?.place.topic ?? ''
    for (const [index, partition] of repeats.partitions.entries()) {
      const offset = repeats.offsets[index] ?? 0
      const lives = durable.log.everAt({ topic, partition })
      if (lives.some(({ ids }) => (ids[offset] ?? VOID) !== VOID)) continue
      report(asked.exchange, `a repeat of ${topic}/${partition}@${offset}, where nothing is`)
    }
  }

  #failed(asked: Answered<'produce'>, sent: SentBatch, error: WireError): void {
    const { partitionId, producer, largestMessageBytes } = sent
    const isJustified = (): boolean => {
      switch (error.code) {
        case 'UNKNOWN_TOPIC_OR_PARTITION':
          return wasMissing(this.#parts, asked, partitionId)
        case 'MESSAGE_TOO_LARGE':
          return largestMessageBytes > this.#leastLimit(asked, partitionId)
        case 'OUT_OF_ORDER_SEQUENCE_NUMBER':
          return this.#isVerdict(asked, sent, producer, 'out of order')
        case 'UNKNOWN_PRODUCER_ID':
          return this.#isVerdict(asked, sent, producer, 'forgotten')
        case 'INVALID_PRODUCER_EPOCH':
          return this.#isVerdict(asked, sent, producer, 'fenced')
        default:
          return isOfFaults(error)
      }
    }
    if (isJustified()) return
    const what = `partition ${partitionId}: ${producer === undefined ? '' : describe(producer)}`
    this.#parts.report(asked.exchange, `${what}: ${error.code} ${error.message}`)
  }

  /** An answer to acks 0, or of a broker that was superseded, rests on what only it knew. */
  #isVerdict(
    asked: Answered<'produce'>,
    sent: SentBatch,
    producer: BatchProducer | undefined,
    wanted: Verdict,
  ): boolean {
    if (producer === undefined) return false
    if (asked.request.acks === 0 || asked.isSuperseded) return true
    return this.#everWas(asked, sent, producer, (verdict) => verdict === wanted)
  }

  #everWas(
    asked: Asked,
    { partitionId, ...sent }: SentBatch,
    producer: BatchProducer,
    test: (verdict: Verdict) => boolean,
  ): boolean {
    return this.#parts.durable
      .producers(partitionId)
      .of(producer.producerId)
      .wasSince(asked.version, (row) => test(verdictOf(row, producer, sent)))
  }

  /** The smallest limit that the topic has had since. */
  #leastLimit(asked: Asked, partitionId: PartitionId): number {
    const { durable } = this.#parts
    const topic = durable.log.byId(partitionId)?.place.topic
    let least = Infinity
    if (topic === undefined) return least
    durable.topics.of(topic as never).wasSince(asked.version, (row) => {
      least = Math.min(least, row?.config.maxMessageBytes ?? Infinity)
      return false
    })
    return least
  }
}

/** Rules 23 to 25. */
function verdictOf(
  row: ProducerRow | undefined,
  { producerEpoch, baseSequence }: BatchProducer,
  { recordCount, isRepeat }: Pick<SentBatch, 'recordCount' | 'isRepeat'>,
): Verdict {
  if (row === undefined) return isRepeat && baseSequence > 0 ? 'forgotten' : 'append'
  if (producerEpoch < row.producerEpoch) return 'fenced'
  if (producerEpoch > row.producerEpoch) return baseSequence === 0 ? 'append' : 'out of order'
  const same = row.batches.find(
    ({ firstSequence, lastSequence }) =>
      firstSequence === baseSequence && lastSequence - firstSequence + 1 === recordCount,
  )
  if (same !== undefined) return { duplicateAt: same.baseOffset }
  const last = row.batches.at(-1)?.lastSequence
  return last === undefined || baseSequence === last + 1 ? 'append' : 'out of order'
}

function isSameBatch(sent: Uint8Array<ArrayBuffer>, stored: Uint8Array<ArrayBuffer>): boolean {
  return (
    sent.length === stored.length &&
    sent.length >= BATCH_HEADER_BYTES &&
    areSameBytes(withoutPlacement(sent), withoutPlacement(stored))
  )
}

function withoutPlacement(batch: Uint8Array<ArrayBuffer>): Uint8Array {
  const copy = batch.slice()
  for (const [from, to] of PLACEMENT) copy.fill(0, from, to)
  // Nor what it has made void.
  const { indexBytes } = parseBatchHeader(copy.buffer)
  const reader = new BatchIndexReader(
    copy.subarray(BATCH_HEADER_BYTES, BATCH_HEADER_BYTES + indexBytes),
  )
  for (let left = reader.nextSection(); left > 0; left = reader.nextSection()) {
    for (; left > 0; left--) {
      reader.nextRecord()
      if (reader.messageId() !== undefined) reader.makeVoid()
    }
  }
  writeBatchHasVoid(copy.buffer)
  return copy
}

export function areSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0
}

function describe({ producerId, producerEpoch, baseSequence }: BatchProducer): string {
  return `producer ${producerId} e${producerEpoch}s${baseSequence}`
}
