/**
 * Messages by async iteration instead of a handler. A message counts as handled when the loop asks
 * for the next one; leaving the loop leaves the message at hand unhandled, to be delivered again.
 */
import { deferred, type Deferred } from '../../std/deferred.js'
import type { Delivery, EachMessagePayload } from './delivery.js'

/** Rejects the handler of a message that the loop left. Never reaches a user. */
export class LoopLeft extends Error {}

export interface MessageSource {
  start(handler: (payload: EachMessagePayload) => Promise<void>): Promise<void>
  stop(): Promise<void>
}

export async function* iterateMessages(
  source: MessageSource,
  signal: AbortSignal | undefined,
): AsyncGenerator<Delivery, void, undefined> {
  const exchange = new Exchange()
  const onAbort = () => exchange.close()
  signal?.addEventListener('abort', onAbort, { once: true })
  if (signal?.aborted === true) return
  try {
    await source.start((payload) => exchange.offer(payload))
    for (;;) {
      const offered = await exchange.next()
      if (offered === undefined) return
      const { topic, partition, message, signal: partitionSignal } = offered
      yield { topic, partition, message, signal: partitionSignal }
      exchange.accept()
    }
  } finally {
    signal?.removeEventListener('abort', onAbort)
    exchange.close()
    await source.stop()
  }
}

/** One message at a time from the handler to the loop, and the answer back. */
class Exchange {
  #offered: { readonly payload: EachMessagePayload; readonly answer: Deferred<void> } | undefined
  #wanted: Deferred<EachMessagePayload | undefined> | undefined
  #isClosed = false

  offer(payload: EachMessagePayload): Promise<void> {
    if (this.#isClosed) return Promise.reject(new LoopLeft())
    const answer = deferred<void>()
    this.#offered = { payload, answer }
    this.#wanted?.resolve(payload)
    this.#wanted = undefined
    return answer.promise
  }

  next(): Promise<EachMessagePayload | undefined> {
    if (this.#isClosed) return Promise.resolve(undefined)
    if (this.#offered !== undefined) return Promise.resolve(this.#offered.payload)
    this.#wanted = deferred()
    return this.#wanted.promise
  }

  accept(): void {
    this.#offered?.answer.resolve()
    this.#offered = undefined
  }

  close(): void {
    this.#isClosed = true
    this.#wanted?.resolve(undefined)
    this.#offered?.answer.reject(new LoopLeft())
    this.#offered = undefined
  }
}
