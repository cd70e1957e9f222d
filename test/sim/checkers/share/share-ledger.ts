/**
 * What the checkers of share groups look things up in: the groups' rows as they are on the disk, what
 * was said of which message, and what brokers handed out to whom. It hears of everything first.
 */
import type { GroupId, MemberId, PartitionId } from '../../../../src/protocol/names.js'
import type { RequestOf, ResponseOf } from '../../../../src/protocol/requests/request.js'
import type {
  Acknowledgement,
  AcknowledgementType,
  AcquiredRange,
} from '../../../../src/protocol/requests/share-groups.js'
import { isOfFaults } from '../../auditor/audit.js'
import { nameOf, type DurableLog, type DurablePartition } from '../../durable-log.js'
import type { CheckerParts, Exchange, Listener, SimEvent, Transaction } from '../../history.js'
import { readRow, type ShareRow } from './share-row.js'

/** A message as a share group sees it. */
export interface SharedMessage {
  readonly groupId: string
  readonly partitionId: PartitionId
  readonly offset: number
}

/** What one transaction made of a group's row. */
export interface RowChange {
  readonly groupId: GroupId
  readonly partitionId: PartitionId
  readonly before: ShareRow
  readonly after: ShareRow
  /** Rows in between, which the same transaction has overwritten. */
  readonly between: readonly ShareRow[]
}

/** What was taken for one member, message by message. */
export interface Delivery extends SharedMessage {
  readonly memberId: MemberId
  readonly exchange: Exchange
  readonly deliveryCount: number
  /** By the wall clock. */
  readonly acquiredAtMs: number
  readonly lockDurationMs: number
}

export interface Said extends SharedMessage {
  readonly type: AcknowledgementType
  readonly delayMs: number
  readonly memberId: MemberId
  readonly exchange: Exchange
  readonly deliveryCount: number
  readonly atWallMs: number
  /** How often the clock had been set by then. */
  readonly clockSet: number
}

export class ShareLedger implements Listener {
  readonly log: DurableLog
  /** Of the transaction that is being told of. */
  changes: readonly RowChange[] = []
  /** Of the reply that is being told of; what a broker says that another has superseded is left out. */
  delivered: readonly Delivery[] = []
  /** Of the reply that is being told of: what took effect. */
  acknowledged: readonly Said[] = []
  /** How often somebody set the clock. */
  clockSet = 0
  /** The latest that the wall clock ever said. */
  wallMsMax = 0
  readonly #journal: readonly Transaction[]
  readonly #wallMs: () => number
  readonly #rows = new Map<string, ShareRow>()
  readonly #said = new Map<string, Said[]>()
  readonly #asked = new WeakMap<Exchange, readonly (readonly Said[])[]>()
  readonly #handedOut = new Map<string, Set<number>>()
  #newest: string | undefined

  constructor({ log, journal }: CheckerParts, wallMs: () => number) {
    this.log = log
    this.#journal = journal
    this.#wallMs = wallMs
  }

  get wallMs(): number {
    return this.#wallMs()
  }

  row(groupId: string, partitionId: PartitionId): ShareRow | undefined {
    return this.#rows.get(rowKey(groupId, partitionId))
  }

  /** All partitions that a group remembers anything of. */
  *rowsOf(groupId: string): Iterable<readonly [DurablePartition, ShareRow]> {
    for (const partition of this.log.all()) {
      const row = this.row(groupId, partition.partitionId)
      if (row !== undefined) yield [partition, row]
    }
  }

  /** What was said of a message and not refused, so far. */
  saidOf(message: SharedMessage): readonly Said[] {
    return this.#said.get(keyOf(message)) ?? []
  }

  /** Whether a member was ever given that delivery of the message. */
  wasHandedOut(message: SharedMessage, deliveryCount: number): boolean {
    return this.#handedOut.get(keyOf(message))?.has(deliveryCount) === true
  }

  nameOf({ groupId, partitionId, offset }: SharedMessage): string {
    const partition = this.log.byId(partitionId)
    const place = partition === undefined ? `partition ${partitionId}` : nameOf(partition.place)
    return `${groupId} ${place}@${offset}`
  }

  on(event: SimEvent): void {
    this.changes = []
    this.delivered = []
    this.acknowledged = []
    this.wallMsMax = Math.max(this.wallMsMax, this.#wallMs())
    switch (event.type) {
      case 'durable':
        this.changes = this.#apply(event.records)
        return
      case 'powerCut':
        return this.#restore()
      case 'clockJumped':
        this.clockSet += 1
        return
      case 'brokerStarted':
        this.#newest = event.incarnation
        return
      case 'requested':
        if (event.request.api === 'shareAcknowledge') this.#ask(event.exchange, event.request)
        return
      case 'replied': {
        const { exchange, request, reply } = event
        if (request.api === 'shareFetch' && reply.ok && exchange.incarnation === this.#newest) {
          const fetched = reply.value as ResponseOf<'shareFetch'>
          this.delivered = this.#hear(exchange, request, fetched)
        } else if (request.api === 'shareAcknowledge' && reply.ok) {
          this.#answer(exchange, (reply.value as ResponseOf<'shareAcknowledge'>).results)
        }
        return
      }
      default:
    }
  }

  /** After a power cut: what is on the disk. Offsets that are gone will be of other messages. */
  #restore(): void {
    this.#rows.clear()
    this.#said.clear()
    this.#handedOut.clear()
    for (const { records } of this.#journal) this.#apply(records)
  }

  #apply(records: Transaction['records']): RowChange[] {
    const changed = new Map<string, RowChange>()
    for (const record of records) {
      if (record.type !== 'sharePartition') continue
      const { groupId, partitionId, value } = record
      const key = rowKey(groupId, partitionId)
      if (value === null) {
        this.#rows.delete(key)
        changed.delete(key)
        continue
      }
      const known = this.#rows.get(key)
      const after = readRow(value, known)
      this.#rows.set(key, after)
      const earlier = changed.get(key)
      const before = earlier?.before ?? known
      // A group that begins has done nothing there.
      if (before === undefined) continue
      const between = earlier === undefined ? [] : [...earlier.between, earlier.after]
      changed.set(key, { groupId, partitionId, before, after, between })
    }
    return [...changed.values()]
  }

  #ask(exchange: Exchange, request: RequestOf<'shareAcknowledge'>): void {
    const { groupId, memberId, acknowledgements } = request
    const asked = acknowledgements.map((acknowledgement) =>
      messagesOf(groupId, acknowledgement).map((message): Said => {
        const { type, delayMs = 0, deliveryCount } = acknowledgement
        const atWallMs = this.#wallMs()
        const { clockSet } = this
        return { ...message, type, delayMs, memberId, exchange, deliveryCount, atWallMs, clockSet }
      }),
    )
    this.#asked.set(exchange, asked)
    for (const said of asked.flat()) {
      const key = keyOf(said)
      const known = this.#said.get(key)
      if (known === undefined) this.#said.set(key, [said])
      else known.push(said)
    }
  }

  #answer(exchange: Exchange, results: ResponseOf<'shareAcknowledge'>['results']): void {
    const asked = this.#asked.get(exchange) ?? []
    const acknowledged: Said[] = []
    for (const [index, saids] of asked.entries()) {
      const { error } = results[index] ?? {}
      if (error === undefined) acknowledged.push(...saids)
      // A rejection whose dead letter has failed stays one: it is tried again.
      else if (!isOfFaults(error)) for (const said of saids) this.#refuse(said)
    }
    this.acknowledged = acknowledged
  }

  #refuse(said: Said): void {
    const known = this.#said.get(keyOf(said))
    const at = known?.indexOf(said) ?? -1
    if (at >= 0) known?.splice(at, 1)
  }

  #hear(
    exchange: Exchange,
    { groupId, memberId }: RequestOf<'shareFetch'>,
    { acquiredAtMs, lockDurationMs, partitions }: ResponseOf<'shareFetch'>,
  ): Delivery[] {
    const delivered = partitions.flatMap(({ partitionId, acquired }) =>
      acquired.flatMap((range) =>
        messagesOf(groupId, { ...range, partitionId }).map((message): Delivery => {
          const { deliveryCount } = range
          const lock = { acquiredAtMs, lockDurationMs }
          return { ...message, memberId, exchange, deliveryCount, ...lock }
        }),
      ),
    )
    for (const delivery of delivered) {
      const key = keyOf(delivery)
      const counts = this.#handedOut.get(key) ?? new Set<number>()
      this.#handedOut.set(key, counts)
      counts.add(delivery.deliveryCount)
    }
    return delivered
  }
}

export function keyOf({ groupId, partitionId, offset }: SharedMessage): string {
  return `${groupId} ${partitionId} ${offset}`
}

function rowKey(groupId: string, partitionId: PartitionId): string {
  return `${groupId} ${partitionId}`
}

function messagesOf(
  groupId: string,
  { partitionId, firstOffset, lastOffset }: AcquiredRange & Pick<Acknowledgement, 'partitionId'>,
): SharedMessage[] {
  return Array.from({ length: lastOffset - firstOffset + 1 }, (_, index) => {
    return { groupId, partitionId, offset: firstOffset + index }
  })
}
