/**
 * Calls over a port, at the end that calls: src/protocol/port-calls.ts says what they look like on the wire,
 * and is the end that is called. A call to a peer that is gone is never answered.
 */
import { deferred, type Deferred } from './deferred.js'

/** As much of a MessagePort as calls need. */
export interface CallPort {
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void
  postMessage(message: unknown, transfer: object[]): void
  start(): void
}

export class PortCaller {
  readonly #port: CallPort
  readonly #waiting = new Map<unknown, Deferred<unknown>>()
  #calls = 0

  constructor(port: CallPort) {
    this.#port = port
    port.addEventListener('message', ({ data }) => this.#take(data))
    port.start()
  }

  /**
   * Resolves with whatever the peer answers; rejects when it cannot answer, or the call cannot be cloned.
   * `transfer` has what of the arguments goes over whole.
   */
  async call(method: string, args: readonly unknown[], transfer: object[] = []): Promise<unknown> {
    const id = String(++this.#calls)
    const argumentList = args.map((value) => ({ type: 'RAW', value }))
    this.#port.postMessage({ id, type: 'APPLY', path: [method], argumentList }, transfer)
    const answered = deferred<unknown>()
    this.#waiting.set(id, answered)
    return answered.promise
  }

  #take(data: unknown): void {
    if (typeof data !== 'object' || data === null) return
    const { id, type, value } = data as Partial<Record<'id' | 'type' | 'value', unknown>>
    const answered = this.#waiting.get(id)
    if (answered === undefined) return
    this.#waiting.delete(id)
    if (type === 'RAW') answered.resolve(value)
    else answered.reject(new Error('the call was answered with something else than a value'))
  }
}
