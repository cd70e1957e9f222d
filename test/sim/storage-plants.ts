/** Planted bugs of the storage: what it does to transactions that it should not. */
import type { Durability, StoredState } from '../../src/broker/ports.js'
import type { DurableRecord } from '../../src/broker/records.js'
import { nextOffsetOf, parseBatchHeader } from '../../src/protocol/batch-header.js'
import type { Transaction } from './history.js'
import { SimStorage } from './sim-storage.js'

/** Acknowledges at once and writes later. */
export class EarlyStorage extends SimStorage {
  override async commit(records: readonly DurableRecord[], durability: Durability): Promise<void> {
    const transaction = { records: structuredClone(records), durability }
    const { worker } = this.parts
    await new Promise<void>((resolve) => {
      worker.schedule(this.latencyMs(), 'committed too early', resolve)
    })
    void this.transaction(() => this.write(transaction, false)).catch(() => {
      // Superseded: another broker has the database by now.
    })
  }

  protected override latencyMs(): number {
    return super.latencyMs() + 5
  }
}

/** Loads everything but what producers sent last. */
export class ForgetfulStorage extends SimStorage {
  override async load(): Promise<StoredState> {
    return { ...(await super.load()), producers: [] }
  }
}

/** Takes nothing for strict. */
export class RelaxedStorage extends SimStorage {
  override commit(records: readonly DurableRecord[]): Promise<void> {
    return super.commit(records, 'relaxed')
  }
}

/** What changes in stores is written by itself, before all else. */
export class TornStorage extends SimStorage {
  override async commit(records: readonly DurableRecord[], durability: Durability): Promise<void> {
    const ofStores = records.filter(({ type }) => type === 'storeEntry')
    const others = structuredClone(records.filter(({ type }) => type !== 'storeEntry'))
    if (ofStores.length > 0) await super.commit(ofStores, durability)
    return super.commit(others, durability)
  }
}

/** So long takes every third transaction: its broker may have been followed by another. */
const LATE_MS = 400

/** Writes whoever has opened the database meanwhile. */
export class UnfencedStorage extends SimStorage {
  #brokerEpoch = 0
  #count = 0

  override async load(): Promise<StoredState> {
    const state = await super.load()
    this.#brokerEpoch = state.brokerEpoch
    return state
  }

  protected override async write(transaction: Transaction): Promise<void> {
    const { database } = this.parts.disk
    const { brokerEpoch } = database
    database.brokerEpoch = this.#brokerEpoch
    try {
      await super.write(transaction, true)
    } finally {
      database.brokerEpoch = brokerEpoch
    }
  }

  override async commit(records: readonly DurableRecord[], durability: Durability): Promise<void> {
    const copies = structuredClone(records)
    this.#count += 1
    if (this.#count % 3 === 0) {
      await new Promise<void>((resolve) => {
        this.parts.disk.process.schedule(LATE_MS, 'commits late', resolve)
      })
    }
    return super.commit(copies, durability)
  }
}

/** Drops what it has just written, as retention would if it went past the high watermark. */
export class GreedyRetentionStorage extends SimStorage {
  override commit(records: readonly DurableRecord[], durability: Durability): Promise<void> {
    const { partitions } = this.parts.disk.database
    const dropped = records.flatMap((record): DurableRecord[] => {
      if (record.type !== 'batch' || record.baseOffset % 8 !== 3) return []
      const row = partitions.get(record.partitionId)
      if (row === undefined) return []
      const { partitionId } = record
      const logStartOffset = nextOffsetOf(parseBatchHeader(record.batch))
      return [
        { type: 'batchesDeleted', partitionId, beforeOffset: logStartOffset },
        { type: 'partition', partitionId, value: { ...row, logStartOffset } },
      ]
    })
    return super.commit([...records, ...dropped], durability)
  }
}
