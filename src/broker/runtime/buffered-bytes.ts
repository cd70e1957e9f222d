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
    return new Reservation(() => this.#add(sessionId, -bytes))
  }

  #checkRoom(sessionId: SessionId, bytes: number): void {
    const { sessionBufferedBytesMax, bufferedBytesMax, batchBytesMax } = this.#limits
    const requestBytesMax = Math.max(
      sessionBufferedBytesMax,
      PRODUCE_REQUEST_BYTES_MAX + batchBytesMax,
    )
    if (bytes > requestBytesMax) {
      const message = `a request of ${bytes} bytes is over the limit of ${requestBytesMax}`
      throw new TabmqError('MESSAGE_TOO_LARGE', message, { requestBytes: bytes, requestBytesMax })
    }
    const before = this.#bySession.get(sessionId) ?? 0
    const isTooMuch =
      before + bytes > sessionBufferedBytesMax || this.#total + bytes > bufferedBytesMax
    if (before > 0 && isTooMuch) {
      throw new TabmqError(
        'THROTTLING_QUOTA_EXCEEDED',
        `this tab has ${before} bytes on their way to the disk; ${bytes} more have to wait`,
        { bufferedBytes: before, sessionBufferedBytesMax, bufferedBytesMax },
      )
    }
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
  #release: () => void

  constructor(release: () => void) {
    this.#release = release
  }

  /** Does nothing the second time, or when it was handed over. */
  release(): void {
    this.handOver()()
  }

  /** What is answered before it is written is let go of by whoever calls what this returns. */
  handOver(): () => void {
    const release = this.#release
    this.#release = () => {}
    return release
  }
}

/** Whatever is neither batch nor value is refused when the request is parsed, as is too much of it. */
function bytesOf(request: unknown, { requestPartitionsMax, ...limits }: BrokerLimits): number {
  const { shareFetchRecordsMax, storeRequestEntriesMax } = limits
  const valueBytesOf = (write: unknown) =>
    buffersIn(fieldOf(write, 'puts'), 'value', storeRequestEntriesMax)
  const acknowledgements = fieldOf(request, 'acknowledgements')
  let bytes = buffersIn(fieldOf(request, 'batches'), 'batch', requestPartitionsMax)
  bytes += valueBytesOf(request) + valueBytesOf(fieldOf(request, 'store'))
  if (!Array.isArray(acknowledgements)) return bytes
  for (const item of acknowledgements.slice(0, shareFetchRecordsMax)) {
    bytes += valueBytesOf(fieldOf(item, 'store'))
  }
  return bytes
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
