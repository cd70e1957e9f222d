/**
 * A message that died is in its group's dead letter topic once, whole, and says why; the transaction that
 * wrote it there is the one that ended it in the group. What was only accepted is not there. In a group
 * without such a topic nothing is written anywhere.
 */
import type { DecodedRecord } from '../../../../src/codec/decode-batch.js'
import type { Headers } from '../../../../src/codec/headers.js'
import {
  isDeadLetter,
  nameOf,
  VOID,
  type Appended,
  type DurablePartition,
} from '../../durable-log.js'
import type { Checker, CheckerParts, SimEvent } from '../../history.js'
import { keyOf, type RowChange, type SharedMessage, type ShareLedger } from './share-ledger.js'
import { becameFinal, type ShareGroupTerms } from './share-loss-checker.js'
import { deliveryCountAt, isFinal } from './share-row.js'

const PREFIX = 'dead-letter-'

export class DeadLetterChecker implements Checker {
  readonly name = 'dead-letters'
  readonly #parts: CheckerParts
  readonly #ledger: ShareLedger
  readonly #groups: ReadonlyMap<string, ShareGroupTerms>

  constructor(parts: CheckerParts, ledger: ShareLedger, groups: readonly ShareGroupTerms[]) {
    this.#parts = parts
    this.#ledger = ledger
    this.#groups = new Map(groups.map((group) => [group.groupId, group]))
  }

  on(event: SimEvent): void {
    if (event.type !== 'durable') return
    const written = new Set<string>()
    for (const { partition, from, to } of event.appended) {
      for (let offset = from; offset < to; offset++) {
        const letter = partition.records[offset]
        if (letter === undefined || !isDeadLetter(letter)) continue
        const message = this.#written(letter, { partition, from: offset, to: offset + 1 })
        if (message === undefined) continue
        const key = keyOf(message)
        if (written.has(key)) this.#report(message, 'is written twice in one transaction')
        written.add(key)
      }
    }
    for (const change of this.#ledger.changes) this.#changed(change, written)
  }

  /** Returns of which message the dead letter is. */
  #written(letter: DecodedRecord, at: Appended): SharedMessage | undefined {
    const said = (name: string) => lastOf(letter.headers, name)
    const place = { topic: said('topic'), partition: Number(said('partition')) }
    const groupId = said('group')
    const offset = Number(said('offset'))
    const id = at.partition.ids[at.from] ?? VOID
    const source = this.#ledger.log.lifeOf({ place, offset, id })
    if (source === undefined) {
      this.#parts.report(`a dead letter of ${nameOf(place)}@${offset}, which is not there`)
      return undefined
    }
    const message = { groupId, partitionId: source.partitionId, offset }
    if (this.#groups.get(groupId)?.deadLetterTopic !== at.partition.place.topic) {
      this.#report(message, `is in ${at.partition.place.topic}`)
    }
    this.#checkWhole(message, letter, source)
    // Deleted in the same transaction, there is no row of it any more.
    if (!source.isDeleted) this.#checkCause(message, letter, source)
    return message
  }

  #checkWhole(message: SharedMessage, letter: DecodedRecord, source: DurablePartition): void {
    const original = source.records[message.offset]
    if (original === undefined) return this.#report(message, 'is of no message')
    const own = (record: DecodedRecord) => ({
      key: record.key,
      value: record.value,
      priority: record.priority ?? 0,
      headers: Object.entries(record.headers).filter(([name]) => !name.startsWith(PREFIX)),
    })
    const [is, was] = [JSON.stringify(own(letter)), JSON.stringify(own(original))]
    if (is !== was) this.#report(message, `is ${is}, and was ${was}`)
  }

  #checkCause(message: SharedMessage, letter: DecodedRecord, source: DurablePartition): void {
    const { groupId, partitionId, offset } = message
    const cause = lastOf(letter.headers, 'cause')
    const count = Number(lastOf(letter.headers, 'delivery-count'))
    const change = this.#ledger.changes.find(
      (one) => one.groupId === groupId && one.partitionId === partitionId,
    )
    const isEnd =
      change !== undefined && !isFinal(change.before, offset) && isFinal(change.after, offset)
    if (!isEnd) return this.#report(message, 'is written, and its message did not end then')
    const counts = [change.before, ...change.between].map((row) => deliveryCountAt(row, offset))
    if (!counts.includes(count)) this.#report(message, `says ${count} deliveries, not ${counts}`)
    const { expiresAt = Infinity } = source.records[offset] ?? {}
    const limit = this.#groups.get(groupId)?.deliveryCountLimit ?? Infinity
    const isTrue =
      cause === 'rejected'
        ? this.#ledger.saidOf(message).some(({ type }) => type === 'reject')
        : cause === 'expired'
          ? expiresAt <= this.#ledger.wallMsMax
          : count >= limit
    if (!isTrue) this.#report(message, `says ${cause}, after ${count} deliveries`)
  }

  /** What died without having been accepted by anybody is written. */
  #changed(change: RowChange, written: ReadonlySet<string>): void {
    const { groupId, partitionId } = change
    const partition = this.#ledger.log.byId(partitionId)
    const { deadLetterTopic } = this.#groups.get(groupId) ?? {}
    if (deadLetterTopic === undefined || partition === undefined || partition.isDeleted) return
    for (const offset of becameFinal(change)) {
      const message = { groupId, partitionId, offset }
      const isThere = partition.records[offset] !== undefined && offset >= partition.logStartOffset
      const isAccepted = this.#ledger.saidOf(message).some(({ type }) => type === 'accept')
      if (!isThere || isAccepted || written.has(keyOf(message))) continue
      this.#report(message, 'is missing')
    }
  }

  #report(message: SharedMessage, what: string): void {
    this.#parts.report(`the dead letter of ${this.#ledger.nameOf(message)} ${what}`)
  }
}

/** Of the last death, if it has died more than once. */
function lastOf(headers: Headers, name: string): string {
  const value = headers[`${PREFIX}${name}`]
  return String(Array.isArray(value) ? value.at(-1) : value)
}
