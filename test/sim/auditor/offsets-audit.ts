/**
 * What may be said of committed offsets: what is accepted is on the disk at the reply; what is told was
 * committed at some moment since it was asked; where nothing was, a member starts where its policy says.
 */
import type { WireError } from '../../../src/protocol/errors.js'
import type { GroupId, PartitionId } from '../../../src/protocol/names.js'
import {
  areSamePartitions,
  isOfFaults,
  wasMissing,
  type Answered,
  type Asked,
  type AuditParts,
} from './audit.js'

export class OffsetsAudit {
  readonly #parts: AuditParts

  constructor(parts: AuditParts) {
    this.#parts = parts
  }

  committed(answered: Answered<'commitOffsets'>): void {
    const { request, exchange } = answered
    const { groupId } = request
    for (const { partitionId, offset } of request.offsets) {
      this.#parts.durable.acknowledge(
        partitionId,
        Math.min(offset, this.#parts.durable.durableEnd(partitionId)),
      )
      if (this.#was(answered, { groupId, partitionId }, (value) => value === offset)) continue
      this.#parts.report(exchange, `${groupId}: ${offset} of ${partitionId} is not on the disk`)
    }
  }

  fetched(answered: Answered<'fetchOffsets'>): void {
    const { request, response, exchange, isSuperseded } = answered
    const { groupId } = request
    if (isSuperseded) return
    for (const { partitionId, offset } of response.offsets) {
      if (this.#was(answered, { groupId, partitionId }, (value) => value === offset)) continue
      this.#parts.report(exchange, `${groupId}: ${offset} of ${partitionId} was never committed`)
    }
    const said = new Set(response.offsets.map(({ partitionId }) => partitionId))
    const all = this.#parts.durable.offsets(groupId).entries()
    const wanted =
      request.partitions === 'all'
        ? [...all].map(([partitionId]) => partitionId)
        : request.partitions
    for (const partitionId of wanted) {
      const isOpen = (value: number | undefined) => value === undefined
      if (said.has(partitionId) || this.#was(answered, { groupId, partitionId }, isOpen)) continue
      if (wasMissing(this.#parts, answered, partitionId)) continue
      this.#parts.report(exchange, `${groupId}: what is committed of ${partitionId} is left out`)
    }
  }

  started(reply: Answered<'startOffsets'>): void {
    const { request, response, exchange } = reply
    // Whoever starts where a superseded broker says reads again what others have read, no more.
    const answered = { ...reply, version: reply.trueSince }
    const { partitions, groupId } = request
    const asked = partitions.map((partitionId) => ({ partitionId }))
    if (!areSamePartitions(asked, response.results)) {
      return this.#parts.report(exchange, 'the results are not those of the partitions')
    }
    for (const result of response.results) {
      const { partitionId } = result
      const isTrue =
        result.error === undefined
          ? this.#isStart(answered, partitionId, result.offset)
          : this.#isPartitionError(answered, partitionId, result.error)
      if (isTrue) continue
      const said = result.error === undefined ? `start at ${result.offset}` : result.error.code
      this.#parts.report(exchange, `${groupId}: partition ${partitionId}: ${said}`)
    }
  }

  /** Whether the error of a commit could be true. */
  isJustified(asked: Asked<'commitOffsets'>, { code }: WireError): boolean {
    const { offsets, groupId } = asked.request
    const { durable } = this.#parts
    switch (code) {
      case 'UNKNOWN_TOPIC_OR_PARTITION':
        return offsets.some(({ partitionId }) => wasMissing(this.#parts, asked, partitionId))
      case 'INVALID_TXN_STATE':
        return offsets.some(({ partitionId, from = Infinity }) =>
          this.#was(
            asked,
            { groupId, partitionId },
            (value) => value !== undefined && value > from,
          ),
        )
      case 'OFFSET_OUT_OF_RANGE':
        return offsets.some(
          ({ partitionId, offset }) => offset > durable.acknowledgedEnd(partitionId, asked.version),
        )
      default:
        return false
    }
  }

  #isStart(answered: Answered<'startOffsets'>, partitionId: PartitionId, said: number): boolean {
    const { durable } = this.#parts
    const { groupId, autoOffsetReset } = answered.request
    const key = { groupId, partitionId }
    if (this.#was(answered, key, (value) => value === said)) return true
    // What the end of the log was is committed at once: that would have been found.
    if (autoOffsetReset !== 'earliest') return false
    const least = durable.partitions.of(partitionId).at(answered.version)?.logStartOffset ?? 0
    const wasOpen = this.#was(answered, key, (value) => value === undefined)
    return wasOpen && said >= least && said <= durable.durableEnd(partitionId)
  }

  #isPartitionError(
    answered: Answered<'startOffsets'>,
    partitionId: PartitionId,
    error: WireError,
  ): boolean {
    const { groupId, autoOffsetReset } = answered.request
    switch (error.code) {
      case 'UNKNOWN_TOPIC_OR_PARTITION':
        return wasMissing(this.#parts, answered, partitionId)
      case 'NO_OFFSET_FOR_PARTITION': {
        const isOpen = (value: number | undefined) => value === undefined
        return autoOffsetReset === 'none' && this.#was(answered, { groupId, partitionId }, isOpen)
      }
      default:
        return isOfFaults(error)
    }
  }

  #was(
    asked: Asked,
    { groupId, partitionId }: { groupId: GroupId; partitionId: PartitionId },
    test: (value: number | undefined) => boolean,
  ): boolean {
    return this.#parts.durable.offsets(groupId).of(partitionId).wasSince(asked.version, test)
  }
}
