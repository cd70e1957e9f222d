/**
 * What groups count into stores agrees with how far they are: a message is counted in the transaction
 * that commits it and in no other, upon what was counted before, and not when it was committed already.
 */
import type { DurableRecord } from '../../../src/broker/records.js'
import type { PartitionId } from '../../../src/protocol/names.js'
import { structuredCodec } from '../../../src/codec/structured-codec.js'
import { nameOf } from '../durable-log.js'
import type { Checker, CheckerParts, Place, SimEvent, Transaction } from '../history.js'

/** What a group has counted of a partition, under the partition's name. */
export interface Counted {
  readonly place: Place
  /** The message that was counted last. */
  readonly offset: number
  readonly count: number
}

const PREFIX = 'counts of '

export function countStoreOf(groupId: string): string {
  return `${PREFIX}${groupId}`
}

type Entry = Extract<DurableRecord, { type: 'storeEntry' }>

export class StoreProgressChecker implements Checker {
  readonly name = 'store-progress'
  readonly #parts: CheckerParts
  #committed = new Map<string, number>()
  #counts = new Map<string, number>()

  constructor(parts: CheckerParts) {
    this.#parts = parts
  }

  on(event: SimEvent): void {
    if (event.type === 'durable') this.#apply(event, this.#parts.report)
    if (event.type !== 'powerCut') return
    this.#committed = new Map()
    this.#counts = new Map()
    for (const transaction of this.#parts.journal) this.#apply(transaction, () => {})
  }

  #apply({ records }: Pick<Transaction, 'records'>, report: (message: string) => void): void {
    /** By group and place: what was committed before, and what this transaction commits. */
    const commits = new Map<string, { before: number; offset: number }>()
    for (const record of records) {
      if (record.type === 'offset') {
        const key = keyOf(record.groupId, record.partitionId)
        const place = this.#parts.log.byId(record.partitionId)?.place
        const before = this.#committed.get(key) ?? 0
        if (record.value === null) {
          this.#committed.delete(key)
        } else {
          const { offset } = record.value
          this.#committed.set(key, offset)
          if (place !== undefined)
            commits.set(`${record.groupId} ${nameOf(place)}`, { before, offset })
        }
      } else if (record.type === 'storeEntry' && record.store.startsWith(PREFIX)) {
        this.#count(record, commits, report)
      }
    }
  }

  #count(
    { store, key, value }: Entry,
    commits: ReadonlyMap<string, { before: number; offset: number }>,
    report: (message: string) => void,
  ): void {
    if (value === null) return
    const { place, offset, count } = structuredCodec.decode(new Uint8Array(value, 1)) as Counted
    const what = `${store.slice(PREFIX.length)} ${nameOf(place)}`
    const countBefore = this.#counts.get(`${store} ${key}`) ?? 0
    this.#counts.set(`${store} ${key}`, count)
    const commit = commits.get(what)
    if (commit === undefined || commit.offset <= offset) {
      report(`${what}: ${offset} was counted, and not committed with it`)
    } else if (commit.before > offset) {
      report(`${what}: ${offset} was counted, though ${commit.before} was committed before`)
    }
    if (count !== countBefore + 1) {
      report(`${what}: ${offset} was counted as ${count}, upon ${countBefore}`)
    }
  }
}

function keyOf(groupId: string, partitionId: PartitionId): string {
  return `${groupId} ${partitionId}`
}
