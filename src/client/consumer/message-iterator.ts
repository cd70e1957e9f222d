/**
 * Messages by async iteration instead of a handler. A message counts as handled when the loop asks
 * for the next one; leaving the loop leaves the message at hand unhandled, to be delivered again.
 */
import { deferred, type Deferred } from '../../std/deferred.js'

/** Rejects the handler of a message that the loop left. Never reaches a user. */
export class LoopLeft extends Error {}

export interface MessageSource<Payload> {
  start(handler: (payload: Payload) => Promise<void>): Promise<void>
  /** Stops what `start` started, if it did and if it still runs. */
  stop(): Promise<void>
  /** Resolves when it has stopped, by whatever means, with the error if one was the cause. */
  ended(): Promise<Failure | undefined>
}

interface Failure {
  readonly error: unknown
}

export interface Iteration<Payload, Item> {
  readonly source: MessageSource<Payload>
  /** What the loop gets of what the handler got. */
  readonly toItem: (payload: Payload) => Item
  readonly signal: AbortSignal | undefined
}

export async function* iterateMessages<Payload, Item>({
  source,
  toItem,
  signal,
}: Iteration<Payload, Item>): AsyncGenerator<Item, void, undefined> {
  if (signal?.aborted === true) return
  const exchange = new Exchange<Payload>()
  const onAbort = () => {
    exchange.end()
    void source.stop()
  }
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    await source.start((payload) => exchange.offer(payload))
    void source.ended().then((failure) => exchange.end(failure))
    for (;;) {
      const offered = await exchange.next()
      if (offered === undefined) return
      yield toItem(offered.payload)
      exchange.accept()
    }
  } finally {
    signal?.removeEventListener('abort', onAbort)
    exchange.leave()
    await source.stop()
  }
}

/** One message at a time from the handler to the loop, and the answer back. */
class Exchange<Payload> {
  #offered: { readonly payload: Payload; readonly answer: Deferred<void> } | undefined
  /** Whether the loop has the message that is offered. */
  #isTaken = false
  #change = deferred<void>()
  #isOver = false
  #failure: Failure | undefined

  offer(payload: Payload): Promise<void> {
    if (this.#isOver) return Promise.reject(new LoopLeft())
    const answer = deferred<void>()
    this.#offered = { payload, answer }
    this.#change.resolve()
    return answer.promise
  }

  /** The next message, or undefined when there will be none. */
  async next(): Promise<{ readonly payload: Payload } | undefined> {
    while (this.#offered === undefined && !this.#isOver) {
      this.#change = deferred()
      await this.#change.promise
    }
    if (this.#failure !== undefined) throw this.#failure.error
    if (this.#isOver) return undefined
    this.#isTaken = true
    return this.#offered
  }

  /** The loop is done with its message. */
  accept(): void {
    this.#offered?.answer.resolve()
    this.#offered = undefined
    this.#isTaken = false
  }

  /** No more messages come. The one that the loop has may still be accepted. */
  end(failure?: Failure): void {
    this.#isOver = true
    this.#failure ??= failure
    this.#change.resolve()
    if (!this.#isTaken) this.leave()
  }

  /** The loop is left, with whatever message it has. */
  leave(): void {
    this.#isOver = true
    this.#offered?.answer.reject(new LoopLeft())
    this.#offered = undefined
  }
}
