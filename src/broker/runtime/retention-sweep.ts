/**
 * Retention at work: reads the oldest batches of the partitions where something may have to go, lets
 * decide-retention.ts decide, and commits. One partition at a time, a bounded read at a time.
 */
import { parseBatchHeader } from '../../protocol/batch-header.js'
import type { PartitionId } from '../../protocol/names.js'
import { decideRetention, isRetentionDue } from '../log/decide-retention.js'
import type { Logger } from '../ports.js'
import type { LogRecord } from '../records.js'
import type { BrokerState } from './broker-state.js'
import type { LogReader } from './log-reader.js'

const HEAD_READ_BYTES = 4 * 1024 * 1024

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
    const { state } = this.#options
    const candidates = partitionIds ?? [...state().logs.all()].map((log) => log.partitionId)
    for (const partitionId of candidates) {
      if (this.#isDue(partitionId)) this.#wanted.add(partitionId)
    }
    if (!this.#isRunning && this.#wanted.size > 0) void this.#run()
  }

  close(): void {
    this.#isClosed = true
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    try {
      for (const partitionId of this.#wanted) {
        this.#wanted.delete(partitionId)
        while (!this.#isClosed && this.#isDue(partitionId) && (await this.#sweep(partitionId)));
      }
    } catch (error) {
      this.#options.logger.warn('retention failed; it is tried again at the next check', error)
    } finally {
      this.#isRunning = false
    }
  }

  /** Returns whether it dropped something, so that there may be more. */
  async #sweep(partitionId: PartitionId): Promise<boolean> {
    const { state, reader, nowMs, write } = this.#options
    const stored = await reader.readHead(partitionId, HEAD_READ_BYTES)
    const { logs, topics } = state()
    const log = logs.find(partitionId)
    if (log === undefined) return false
    const { config } = topics.byIdOrThrow(log.topicId)
    const headers = stored.map(parseBatchHeader)
    const decision = decideRetention(log, headers, { config, nowMs: nowMs() })
    const written = decision.records.length === 0 ? undefined : write(decision.records)
    if (decision.response.stays !== undefined) log.setHead(decision.response.stays)
    await written
    return written !== undefined && decision.response.stays === undefined
  }

  #isDue(partitionId: PartitionId): boolean {
    const { logs, topics } = this.#options.state()
    const log = logs.find(partitionId)
    if (log === undefined) return false
    return isRetentionDue(log, topics.byIdOrThrow(log.topicId).config, this.#options.nowMs())
  }
}
