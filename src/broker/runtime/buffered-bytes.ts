/**
 * What the broker keeps in memory on behalf of tabs until the disk has it: batches that were taken
 * and are not durable yet. Each tab has its part, so that one that sends faster than the disk writes
 * is told to wait and the others are not. It goes by session id, whatever port the session is on.
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
   * Takes so many bytes in, until the function is called that is returned. A tab that has nothing
   * here is never told to wait: the others' bytes are not its fault.
   * @throws TabmqError THROTTLING_QUOTA_EXCEEDED, MESSAGE_TOO_LARGE for what could never be taken in
   */
  reserve(sessionId: SessionId, bytes: number): () => void {
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
    this.#add(sessionId, bytes)
    return () => this.#add(sessionId, -bytes)
  }

  #add(sessionId: SessionId, bytes: number): void {
    this.#total += bytes
    const sum = (this.#bySession.get(sessionId) ?? 0) + bytes
    if (sum === 0) this.#bySession.delete(sessionId)
    else this.#bySession.set(sessionId, sum)
  }
}
