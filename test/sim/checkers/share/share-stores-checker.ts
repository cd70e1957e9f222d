/**
 * What share groups enter into stores agrees with what they have accepted: an entry is made in the
 * transaction that makes its message final, and in no other; and what is said to be accepted has its
 * entry.
 */
import type { DurableRecord } from '../../../../src/broker/records.js'
import type { PartitionId } from '../../../../src/protocol/names.js'
import { structuredCodec } from '../../../../src/codec/structured-codec.js'
import { nameOf } from '../../durable-log.js'
import type { Checker, CheckerParts, Place, SimEvent, Transaction } from '../../history.js'
import type { ShareLedger } from './share-ledger.js'
import type { ShareGroupTerms } from './share-loss-checker.js'
import { isFinal, readRow, type ShareRow } from './share-row.js'

/** What a member enters of a message that it accepts. */
export interface Entered {
  readonly place: Place
  readonly offset: number
}

const PREFIX = 'entries of '

export function entryStoreOf(groupId: string): string {
  return `${PREFIX}${groupId}`
}

export function entryKey({ place, offset }: Entered): string {
  return `${nameOf(place)}@${offset}`
}

type Entry = Extract<DurableRecord, { type: 'storeEntry' }>
type RowOf = (partitionId: PartitionId) => ShareRow | undefined

export class ShareStoresChecker implements Checker {
  readonly name = 'share-stores'
  readonly #parts: CheckerParts
  readonly #ledger: ShareLedger
  readonly #entering: ReadonlySet<string>
  readonly #rows = new Map<string, ShareRow>()
  /** By group, partition and offset. */
  readonly #entered = new Set<string>()

  constructor(parts: CheckerParts, ledger: ShareLedger, groups: readonly ShareGroupTerms[]) {
    this.#parts = parts
    this.#ledger = ledger
    const entering = groups.filter(({ entersIntoStore }) => entersIntoStore)
    this.#entering = new Set(entering.map(({ groupId }) => groupId))
  }

  on(event: SimEvent): void {
    if (event.type === 'durable') this.#apply(event, this.#parts.report)
    else if (event.type === 'replied') this.#replied()
    else if (event.type === 'powerCut') {
      this.#rows.clear()
      this.#entered.clear()
      for (const transaction of this.#parts.journal) this.#apply(transaction, () => {})
    }
  }

  #replied(): void {
    for (const said of this.#ledger.acknowledged) {
      const { groupId, partitionId, offset, type } = said
      if (type !== 'accept' || !this.#entering.has(groupId)) continue
      if (this.#entered.has(`${groupId} ${partitionId} ${offset}`)) continue
      this.#parts.report(`${this.#ledger.nameOf(said)} is accepted, and nothing entered for it`)
    }
  }

  #apply({ records }: Pick<Transaction, 'records'>, report: (message: string) => void): void {
    const before = new Map<string, ShareRow | undefined>()
    // Also of partitions that are deleted in the same transaction.
    const made = new Map<string, ShareRow>()
    for (const record of records) {
      if (record.type !== 'sharePartition') continue
      const key = `${record.groupId} ${record.partitionId}`
      const known = this.#rows.get(key)
      if (!before.has(key)) before.set(key, known)
      if (record.value === null) this.#rows.delete(key)
      else {
        const row = readRow(record.value, known)
        this.#rows.set(key, row)
        made.set(key, row)
      }
    }
    for (const record of records) {
      if (record.type !== 'storeEntry' || !record.store.startsWith(PREFIX)) continue
      const groupId = record.store.slice(PREFIX.length)
      this.#enter(record, {
        groupId,
        before: (partitionId) => before.get(`${groupId} ${partitionId}`),
        made: (partitionId) => made.get(`${groupId} ${partitionId}`),
        report,
      })
    }
  }

  #enter(
    { value }: Entry,
    {
      groupId,
      before,
      made,
      report,
    }: { groupId: string; before: RowOf; made: RowOf; report: (message: string) => void },
  ): void {
    if (value === null) return
    const entered = structuredCodec.decode(new Uint8Array(value, 1)) as Entered
    const { place, offset } = entered
    const name = `${groupId} ${entryKey(entered)}`
    // A topic that was made again has other partitions under the same names.
    const candidates = this.#parts.log.everAt(place).map(({ partitionId }) => partitionId)
    const isMadeFinal = candidates.filter((partitionId) => {
      const row = made(partitionId)
      const was = before(partitionId)
      const wasFinal = was !== undefined && isFinal(was, offset)
      return row !== undefined && isFinal(row, offset) && was !== undefined && !wasFinal
    })
    for (const partitionId of isMadeFinal) {
      this.#entered.add(`${groupId} ${partitionId} ${offset}`)
    }
    if (isMadeFinal.length === 0) report(`${name} was entered, and not accepted with it`)
  }
}
