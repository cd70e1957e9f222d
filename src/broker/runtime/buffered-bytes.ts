/**
 * What the broker keeps in memory on behalf of tabs until the disk has it: batches and values that have
 * arrived and are not durable yet, those that wait for their turn or for the state to be loaded again included.
 * Each tab has its part, so that one that sends faster than the disk writes is told to wait and the
 * others are not. It goes by session id, whatever port the session is on.
 */
import { TabmqError } from '../../protocol/errors.js'
import { PRODUCE_REQUEST_BYTES_MAX, type BrokerLimits } from '../../protocol/limits.js'
import type { SessionId } from '../../protocol/names.js'

export class BufferedBytes {
  readonly #limits: BrokerLimits
  readonly #bySession = new Map<SessionId, number>()
  #total = 0

  constructor(limits: BrokerLimits) {
    this.#limits = limits
  }

  get total(): number {
    return this.#total
  }

  /**
   * Takes in the batches of a request that has just arrived and is anything yet, until they are
   * released. A tab that has nothing here is never told to wait: the others' bytes are not its fault.
   * @throws TabmqError THROTTLING_QUOTA_EXCEEDED, MESSAGE_TOO_LARGE for what could never be taken in
   */
  reserve(sessionId: SessionId, request: unknown): Reservation {
    const bytes = bytesOf(request, this.#limits)
    if (bytes > 0) this.#checkRoom(sessionId, bytes)
    this.#add(sessionId, bytes)
    return new Reservation(bytes, (change) => this.#change(sessionId, change))
  }

  /** More or less for a request that has been taken in. */
  #change(sessionId: SessionId, { from, to }: { from: number; to: number }): void {
    const others = (this.#bySession.get(sessionId) ?? 0) - from
    if (to > from) this.#checkOthers(sessionId, { bytes: to - from, others })
    this.#add(sessionId, to - from)
  }

  #checkRoom(sessionId: SessionId, bytes: number): void {
    const { sessionBufferedBytesMax, batchBytesMax } = this.#limits
    const requestBytesMax = Math.max(
      sessionBufferedBytesMax,
      PRODUCE_REQUEST_BYTES_MAX + batchBytesMax,
    )
    if (bytes > requestBytesMax) {
      const message = `a request of ${bytes} bytes is over the limit of ${requestBytesMax}`
      throw new TabmqError('MESSAGE_TOO_LARGE', message, { requestBytes: bytes, requestBytesMax })
    }
    this.#checkOthers(sessionId, { bytes, others: this.#bySession.get(sessionId) ?? 0 })
  }

  /** `others`: what of the tab is here of other requests. */
  #checkOthers(
    sessionId: SessionId,
    { bytes, others }: { readonly bytes: number; readonly others: number },
  ): void {
    const { sessionBufferedBytesMax, bufferedBytesMax } = this.#limits
    const before = this.#bySession.get(sessionId) ?? 0
    const isTooMuch =
      before + bytes > sessionBufferedBytesMax || this.#total + bytes > bufferedBytesMax
    if (others === 0 || !isTooMuch) return
    throw new TabmqError(
      'THROTTLING_QUOTA_EXCEEDED',
      `this tab has ${before} bytes on their way to the disk; ${bytes} more have to wait`,
      { bufferedBytes: before, sessionBufferedBytesMax, bufferedBytesMax },
    )
  }

  #add(sessionId: SessionId, bytes: number): void {
    this.#total += bytes
    const sum = (this.#bySession.get(sessionId) ?? 0) + bytes
    if (sum === 0) this.#bySession.delete(sessionId)
    else this.#bySession.set(sessionId, sum)
  }
}

/** Bytes that were taken in, to be let go of once. */
export class Reservation {
  #bytes: number
  #change: (change: { readonly from: number; readonly to: number }) => void

  constructor(
    bytes: number,
    change: (change: { readonly from: number; readonly to: number }) => void,
  ) {
    this.#bytes = bytes
    this.#change = change
  }

  /**
   * It takes so much more until it is let go of.
   * @throws TabmqError THROTTLING_QUOTA_EXCEEDED
   */
  extend(bytes: number): void {
    this.#change({ from: this.#bytes, to: this.#bytes + bytes })
    this.#bytes += bytes
  }

  /** Does nothing the second time, or when it was handed over. */
  release(): void {
    this.handOver()()
  }

  /** What is answered before it is written is let go of by whoever calls what this returns. */
  handOver(): () => void {
    const change = this.#change
    this.#change = () => {}
    return () => change({ from: this.#bytes, to: 0 })
  }
}

/** Whatever is neither batch nor value is refused when the request is parsed, as is too much of it. */
function bytesOf(request: unknown, { requestPartitionsMax, ...limits }: BrokerLimits): number {
  const { shareFetchRecordsMax, storeRequestEntriesMax, publicationsMax } = limits
  const batchBytesOf = (write: unknown) =>
    buffersIn(fieldOf(write, 'batches'), 'batch', requestPartitionsMax)
  const valueBytesOf = (write: unknown) =>
    buffersIn(fieldOf(write, 'puts'), 'value', storeRequestEntriesMax)
  let bytes = batchBytesOf(request)
  for (const item of itemsIn(request, 'publications', publicationsMax)) bytes += batchBytesOf(item)
  bytes += valueBytesOf(request) + valueBytesOf(fieldOf(request, 'store'))
  for (const item of itemsIn(request, 'acknowledgements', shareFetchRecordsMax)) {
    bytes += valueBytesOf(fieldOf(item, 'store'))
  }
  return bytes
}

function itemsIn(request: unknown, field: string, countMax: number): readonly unknown[] {
  const list = fieldOf(request, field)
  return Array.isArray(list) ? list.slice(0, countMax) : []
}

function buffersIn(list: unknown, field: string, countMax: number): number {
  if (!Array.isArray(list)) return 0
  let bytes = 0
  for (const item of list.slice(0, countMax)) {
    const buffer = fieldOf(item, field)
    if (buffer instanceof ArrayBuffer) bytes += buffer.byteLength
  }
  return bytes
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return (value as Readonly<Record<string, unknown>>)[name]
}
