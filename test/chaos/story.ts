/** A record made by hand, for the tests of the checkers: what happened, in a few words each. */
import { assembleBatch } from '../../src/codec/batch.js'
import { encodeChunks } from '../../src/codec/chunk.js'
import { structuredCodec } from '../../src/codec/structured-codec.js'
import { writeBatchPlacement } from '../../src/protocol/batch-header.js'
import type { Violation } from '../sim/history.js'
import { judge } from './judge.js'
import type { RecordedEvent, RecordedReader, StoredBatch } from './record.js'

export const TOPIC = 'orders'
export const GROUP = 'workers'
export const PLACE = { topic: TOPIC, partition: 0 }
const PARTITION_ID = 7

type Happening = RecordedEvent extends infer Event
  ? Event extends RecordedEvent
    ? Omit<Event, 'atMs'>
    : never
  : never

/** One topic with one partition, one producer in tab `sender`, one group. */
export class Story {
  readonly #events: RecordedEvent[] = []
  readonly #batches: StoredBatch[] = []
  readonly #stored: number[] = []
  readonly #epochs = new Map<string, number>()
  #read: readonly number[] | undefined
  #calls = 0
  #nowMs = 0

  happens(event: Happening): this {
    this.#events.push({ ...event, atMs: ++this.#nowMs })
    return this
  }

  passes(ms: number): this {
    this.#nowMs += ms
    return this.happens({ type: 'looking' })
  }

  announces(...ids: number[]): this {
    const send = { producer: 'p', topic: TOPIC, ids, acks: 1 as const, isIdempotent: true }
    return this.happens({ type: 'sending', tab: 'sender', sends: [send] })
  }

  stores(...ids: number[]): this {
    const baseOffset = this.#stored.length
    this.#batches.push({ partitionId: PARTITION_ID, baseOffset, batch: batchOf(ids, baseOffset) })
    this.#stored.push(...ids)
    return this
  }

  acknowledges(id: number, baseOffset: number): this {
    const results = [{ partition: 0, baseOffset }]
    return this.happens({ type: 'sent', tab: 'sender', id, results })
  }

  /** All of it, as it should be. */
  sends(...ids: number[]): this {
    const baseOffset = this.#stored.length
    return this.announces(...ids)
      .stores(...ids)
      .acknowledges(ids[0] ?? 0, baseOffset)
  }

  joins(tab: string, epoch = 1): this {
    this.#epochs.set(tab, epoch)
    return this.happens({ type: 'joined', tab, reader: this.#readerOf(tab) })
  }

  owns(tab: string): this {
    return this.#holds(tab, 'assigned')
  }

  letsGo(tab: string): this {
    return this.#holds(tab, 'revoked')
  }

  loses(tab: string): this {
    return this.#holds(tab, 'lost')
  }

  /** The message at this offset, or what is said to be. */
  isGiven(tab: string, offset: number, id = this.#stored[offset] ?? 0): this {
    const reader = this.#readerOf(tab)
    return this.happens({ type: 'handling', tab, reader, place: PLACE, offset, id })
  }

  /** Its handler has returned. */
  handled(tab: string, offset: number): this {
    const id = this.#stored[offset] ?? 0
    const reader = this.#readerOf(tab)
    return this.happens({ type: 'handled', tab, reader, place: PLACE, offset, id })
  }

  handles(tab: string, offset: number): this {
    return this.isGiven(tab, offset).handled(tab, offset)
  }

  commits(tab: string, offset: number): this {
    const reader = this.#readerOf(tab)
    return this.happens({ type: 'committed', tab, reader, offsets: [{ ...PLACE, offset }] })
  }

  hasOnDisk(offset: number): this {
    return this.happens({ type: 'looking' }).happens({
      type: 'offsets',
      rows: [[GROUP, PARTITION_ID, offset]],
    })
  }

  calls(tab: string, name: string): this {
    return this.happens({ type: 'called', tab, call: this.#calls++, name })
  }

  /** The last call. */
  failsWith(tab: string, code: string | undefined): this {
    const error = { code, message: 'as it is said' }
    return this.happens({ type: 'settled', tab, call: this.#calls - 1, error })
  }

  /** Through the broker, at the end. */
  reads(...ids: number[]): this {
    this.#read = ids
    return this
  }

  /** What the checkers say when it has come to rest. */
  anomalies(): readonly Violation[] {
    this.happens({ type: 'rest', illness: [] })
    return judge({
      events: this.#events,
      log: {
        topics: [{ topic: TOPIC, partitionIds: [PARTITION_ID] }],
        batches: this.#batches,
      },
      read: [{ ...PLACE, ids: this.#read ?? this.#stored }],
      groupIds: [GROUP],
      stores: undefined,
    })
  }

  #holds(tab: string, type: 'assigned' | 'revoked' | 'lost'): this {
    return this.happens({ type, tab, reader: this.#readerOf(tab), places: [PLACE] })
  }

  #readerOf(tab: string): RecordedReader {
    return {
      consumer: `${tab}-c`,
      groupId: GROUP,
      groupInstanceId: undefined,
      memberId: `${tab}-m`,
      memberEpoch: this.#epochs.get(tab) ?? 0,
      membership: 1,
    }
  }
}

function batchOf(ids: readonly number[], baseOffset: number): ArrayBuffer {
  const chunks = encodeChunks({
    codec: structuredCodec,
    records: ids.map((id) => ({
      keyBytes: undefined,
      keyIsString: false,
      value: { id },
      headers: undefined,
      timestampMs: 1_000,
    })),
    maxMessageBytes: 1e6,
    chunkBytesMax: 1e6,
  })
  const batch = assembleBatch({ chunks, codecId: structuredCodec.id })
  writeBatchPlacement(batch, {
    baseOffset,
    position: 0,
    maxTimestampSoFarMs: 1_000,
    appendedAtMs: 0,
  })
  return batch
}
