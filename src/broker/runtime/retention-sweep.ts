/**
 * Retention at work: reads the oldest batches of the partitions where something has to go, lets
 * decide-retention.ts decide, and commits. One partition at a time, and no more of it than goes: a
 * busy partition at its limit drops about one batch for each that is appended, and reads as many.
 */
import { parseBatchHeader } from '../../protocol/batch-header.js'
import { hasCode } from '../../protocol/errors.js'
import type { PartitionId } from '../../protocol/names.js'
import { decideRetention, isRetentionDue } from '../log/decide-retention.js'
import { logHead, type LogHead, type PartitionLog } from '../log/partition-log.js'
import type { Logger } from '../ports.js'
import type { LogRecord } from '../records.js'
import type { BrokerState } from './broker-state.js'
import type { LogReader } from './log-reader.js'

const READ_BYTES_MAX = 4 * 1024 * 1024
const READ_BATCHES_MAX = 4_096

export interface RetentionOptions {
  readonly state: () => BrokerState
  readonly reader: LogReader
  readonly nowMs: () => number
  readonly write: (records: readonly LogRecord[]) => Promise<void>
  readonly logger: Logger
}

export class RetentionSweep {
  readonly #options: RetentionOptions
  readonly #wanted = new Set<PartitionId>()
  #isRunning = false
  #isClosed = false

  constructor(options: RetentionOptions) {
    this.#options = options
  }

  /** Looks at these partitions, or at all. Returns at once; failures are logged and tried again. */
  request(partitionIds?: Iterable<PartitionId>): void {
    const { state, nowMs } = this.#options
    const candidates = partitionIds ?? [...state().logs.all()].map((log) => log.partitionId)
    this.#want(candidates, nowMs())
  }

  /** Looks whether these hold too much now. What is too old waits for the next check of all. */
  appended(partitionIds: Iterable<PartitionId>): void {
    this.#want(partitionIds, undefined)
  }

  close(): void {
    this.#isClosed = true
  }

  #want(partitionIds: Iterable<PartitionId>, nowMs: number | undefined): void {
    for (const partitionId of partitionIds) {
      if (this.#isDue(partitionId, nowMs)) this.#wanted.add(partitionId)
    }
    if (!this.#isRunning && this.#wanted.size > 0) void this.#run()
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    for (const partitionId of this.#wanted) {
      this.#wanted.delete(partitionId)
      try {
        await this.#sweepAll(partitionId)
      } catch (error) {
        // Of one partition: the others have theirs.
        this.#options.logger.warn('retention failed; it is tried again at the next check', error)
      }
    }
    this.#isRunning = false
  }

  /** Twice as many batches at a time as long as all of them have to go. */
  async #sweepAll(partitionId: PartitionId): Promise<void> {
    const { nowMs } = this.#options
    let maxBatches = 1
    while (!this.#isClosed && this.#isDue(partitionId, nowMs())) {
      if (!(await this.#sweep(partitionId, maxBatches))) return
      maxBatches = Math.min(2 * maxBatches, READ_BATCHES_MAX)
    }
  }

  /** Returns whether there may be more to drop. The head, where it is known, is not read again. */
  async #sweep(partitionId: PartitionId, maxBatches: number): Promise<boolean> {
    const { state, reader, nowMs, write } = this.#options
    const head = state().logs.find(partitionId)?.head
    const fromOffset = head?.nextOffset ?? 0
    const maxBytes = READ_BYTES_MAX
    const stored = await reader.readStored({ partitionId, fromOffset, maxBytes, maxBatches })
    // The storage may be closed by now, and another broker's.
    if (this.#isClosed) return false
    const { logs, topics } = state()
    const log = logs.find(partitionId)
    if (log === undefined) return false
    const read = headsOf(stored, log)
    // It cannot be judged before what follows it is read as well.
    if (read.length === 0 && stored.length > 0) {
      return stored.length === maxBatches && maxBatches < READ_BATCHES_MAX
    }
    const oldest = head === undefined ? read : [head, ...read]
    const { config } = topics.byIdOrThrow(log.topicId)
    const decision = decideRetention(log, oldest, { config, nowMs: nowMs() })
    const written = decision.records.length === 0 ? undefined : write(decision.records)
    if (decision.response.stays !== undefined) log.setHead(decision.response.stays)
    await written
    return written !== undefined && decision.response.stays === undefined
  }

  #isDue(partitionId: PartitionId, nowMs: number | undefined): boolean {
    const { logs, topics } = this.#options.state()
    const log = logs.find(partitionId)
    if (log === undefined) return false
    const { config } = topics.byIdOrThrow(log.topicId)
    return isRetentionDue(log, { config, nowMs })
  }
}

/**
 * What retention needs to know of these. A batch that cannot be read is as old as the next that can,
 * and goes with it; where nothing is left to be read, it goes as well.
 */
function headsOf(stored: readonly ArrayBuffer[], log: PartitionLog): LogHead[] {
  const heads: LogHead[] = []
  let hasBroken = false
  for (const batch of stored) {
    const head = tryHead(batch, log)
    hasBroken = head === undefined
    if (head !== undefined) heads.push(head)
  }
  if (hasBroken && log.isEmpty) {
    heads.push({ nextOffset: log.logEndOffset, position: log.endPosition, maxTimestampMs: 0 })
  }
  return heads
}

function tryHead(batch: ArrayBuffer, log: PartitionLog): LogHead | undefined {
  try {
    const head = logHead(parseBatchHeader(batch))
    return head.nextOffset <= log.logEndOffset ? head : undefined
  } catch (error) {
    if (hasCode(error, 'CORRUPT_MESSAGE')) return undefined
    throw error
  }
}
