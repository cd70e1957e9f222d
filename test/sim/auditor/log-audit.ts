/**
 * What may be said of the log: a fetch brings the very batches that are on the disk, one after the
 * other from the offset that was asked for; a high watermark lies between what the broker knew to be
 * durable when it was asked and what is durable when it answers; an offset is out of range only where
 * it is, and where a log is said to begin, if somebody asks, it begins on the disk too.
 */
import type { WireError } from '../../../src/protocol/errors.js'
import type { PartitionId } from '../../../src/protocol/names.js'
import type { FetchedPartition, FetchPartition } from '../../../src/protocol/requests/log.js'
import {
  areSamePartitions,
  isOfFaults,
  wasMissing,
  type Answered,
  type Asked,
  type AuditParts,
} from './audit.js'
import { areSameBytes } from './produce-audit.js'

export class LogAudit {
  readonly #parts: AuditParts
  /** Served from memory again and again. */
  readonly #verified = new WeakSet<ArrayBuffer>()
  /** Log starts that were said before they were durable. */
  readonly #expectedStarts = new Map<PartitionId, { incarnation: string; atLeast: number }>()
  #forgottenUpTo = 0

  constructor(parts: AuditParts) {
    this.#parts = parts
  }

  fetched(answered: Answered<'fetch'>): void {
    const { request, response, exchange } = answered
    const asked = new Map(request.partitions.map((one) => [one.partitionId, one]))
    for (const result of response.partitions) {
      const wanted = asked.get(result.partitionId)
      if (wanted === undefined) {
        this.#parts.report(exchange, `partition ${result.partitionId} was not asked for`)
      } else if (result.error !== undefined) {
        this.#failed(answered, { ...wanted, error: result.error })
      } else {
        this.#watermark(answered, result.partitionId, result.highWatermark)
        this.#start(answered, result.partitionId, result.logStartOffset)
        this.#batches(answered, wanted, result)
      }
    }
  }

  listed(answered: Answered<'listOffsets'>): void {
    const { request, response, exchange } = answered
    if (!areSamePartitions(request.partitions, response.results)) {
      return this.#parts.report(exchange, 'the results are not those of the partitions')
    }
    for (const [index, result] of response.results.entries()) {
      const { partitionId } = result
      const at = request.partitions[index]?.at
      if (result.error !== undefined) {
        this.#failed(answered, { partitionId, offset: 0, error: result.error })
      } else if (at === 'earliest') {
        this.#start(answered, partitionId, result.offset ?? -1)
      } else if (at === 'latest') {
        this.#watermark(answered, partitionId, result.offset ?? -1)
      } else if ((result.offset ?? 0) > this.#parts.durable.durableEnd(partitionId)) {
        this.#parts.report(exchange, `partition ${partitionId}@${result.offset} is not durable`)
      }
    }
  }

  deleted(answered: Answered<'deleteRecords'>): void {
    const { request, response, exchange } = answered
    if (!areSamePartitions(request.partitions, response.results)) {
      return this.#parts.report(exchange, 'the results are not those of the partitions')
    }
    for (const [index, result] of response.results.entries()) {
      const { partitionId } = result
      const offset = request.partitions[index]?.beforeOffset ?? 0
      if (result.error !== undefined) {
        this.#failed(answered, { partitionId, offset, error: result.error })
        continue
      }
      const { logStartOffset } = result
      const durableStart = this.#parts.durable.log.byId(partitionId)?.logStartOffset ?? 0
      if (logStartOffset >= offset && durableStart >= logStartOffset) continue
      const what = `partition ${partitionId}: deleted before ${logStartOffset}, asked for ${offset}`
      this.#parts.report(exchange, `${what}, on the disk it starts at ${durableStart}`)
    }
  }

  /** What was said of log starts that never came to be. */
  atRest(report: (message: string) => void, newest: string | undefined): void {
    for (const [partitionId, { incarnation, atLeast }] of this.#expectedStarts) {
      const partition = this.#parts.durable.log.byId(partitionId)
      if (partition === undefined || partition.isDeleted || incarnation !== newest) continue
      if (partition.logStartOffset >= atLeast) continue
      const what = `partition ${partitionId}: offsets below ${atLeast} were said to be gone`
      report(`${what}, and the log starts at ${partition.logStartOffset}`)
    }
  }

  /**
   * A broker that drops its state takes back what was not durable, also what it is about to say of it
   * to those who have asked: their requests are numbered up to `order`.
   */
  forgetStarts(order: number): void {
    this.#expectedStarts.clear()
    this.#forgottenUpTo = order
  }

  #batches(answered: Answered<'fetch'>, wanted: FetchPartition, result: FetchedPartition): void {
    const { partitionId, offset } = wanted
    const { batches: known = [] } = this.#parts.durable.log.byId(partitionId) ?? {}
    let next = offset
    for (const [index, batch] of result.batches.entries()) {
      const stored = known.findLast(
        (one) => one.baseOffset <= next && next < one.nextOffset && one.nextOffset > one.baseOffset,
      )
      const isFirst = index === 0
      if (
        stored === undefined ||
        (!isFirst && stored.baseOffset !== next) ||
        !this.#isSame(batch, stored.batch)
      ) {
        const what = `partition ${partitionId}, asked from ${offset}`
        this.#parts.report(answered.exchange, `${what}: not the batch on the disk at ${next}`)
        return
      }
      next = stored.nextOffset
    }
    if (next > Math.max(offset, result.highWatermark)) {
      const what = `partition ${partitionId}: batches up to ${next}`
      this.#parts.report(answered.exchange, `${what}, beyond ${result.highWatermark}`)
    }
  }

  #isSame(batch: ArrayBuffer, stored: ArrayBuffer): boolean {
    if (this.#verified.has(batch)) return true
    const isSame = areSameBytes(new Uint8Array(batch), new Uint8Array(stored))
    if (isSame) this.#verified.add(batch)
    return isSame
  }

  #watermark(answered: Answered<'fetch' | 'listOffsets'>, partitionId: PartitionId, said: number) {
    const { durable } = this.#parts
    const most = durable.durableEnd(partitionId)
    const least = answered.isSuperseded ? 0 : durable.acknowledgedEnd(partitionId, answered.version)
    if (said >= least && said <= most) {
      if (!answered.isSuperseded) durable.acknowledge(partitionId, said)
      return
    }
    const what = `partition ${partitionId}: high watermark ${said}`
    this.#parts.report(answered.exchange, `${what}, durable were ${least} to ${most}`)
  }

  /** With batches it may be said before it is durable, but not without becoming so. */
  #start(answered: Answered<'fetch' | 'listOffsets'>, partitionId: PartitionId, said: number) {
    const { durable } = this.#parts
    const least = durable.partitions.of(partitionId).at(answered.version)?.logStartOffset ?? 0
    const isBeside = answered.request.api === 'fetch'
    const durableStart = durable.log.byId(partitionId)?.logStartOffset ?? 0
    const most = isBeside ? durable.durableEnd(partitionId) : durableStart
    if ((said >= least || answered.isSuperseded) && said <= most) {
      this.#expectStart(answered, partitionId, said)
      return
    }
    const what = `partition ${partitionId}: log start ${said}`
    this.#parts.report(answered.exchange, `${what}, on the disk ${least} to ${most}`)
  }

  #expectStart({ exchange, order }: Asked, partitionId: PartitionId, atLeast: number): void {
    if (order <= this.#forgottenUpTo) return
    const partition = this.#parts.durable.log.byId(partitionId)
    if (partition === undefined || partition.logStartOffset >= atLeast) return
    this.#expectedStarts.set(partitionId, { incarnation: exchange.incarnation, atLeast })
  }

  #failed(
    answered: Answered<'fetch' | 'listOffsets' | 'deleteRecords'>,
    wanted: { partitionId: PartitionId; offset: number; error: WireError },
  ): void {
    const { partitionId, offset, error } = wanted
    const isJustified = (): boolean => {
      switch (error.code) {
        case 'UNKNOWN_TOPIC_OR_PARTITION':
          return answered.isSuperseded || wasMissing(this.#parts, answered, partitionId)
        case 'OFFSET_OUT_OF_RANGE':
          return this.#isOutOfRange(answered, partitionId, offset)
        default:
          return isOfFaults(error)
      }
    }
    if (isJustified()) return
    const what = `partition ${partitionId}@${offset}`
    this.#parts.report(answered.exchange, `${what}: ${error.code} ${error.message}`)
  }

  #isOutOfRange(
    answered: Answered<'fetch' | 'listOffsets' | 'deleteRecords'>,
    partitionId: PartitionId,
    offset: number,
  ): boolean {
    const { durable } = this.#parts
    if (answered.isSuperseded) return true
    if (offset > durable.acknowledgedEnd(partitionId, answered.version)) return true
    if (answered.request.api === 'deleteRecords') return false
    // Decided and on its way to the disk is not enough: whoever hears it goes on from elsewhere.
    const partition = durable.log.byId(partitionId)
    return partition === undefined || offset < partition.logStartOffset
  }
}
