/**
 * What one producer publishes to one exchange, in order. One request is under way at a time, with all that
 * was published while the one before it was; its publications are numbered, and whatever becomes of it,
 * it is sent again under the same numbers, so that the broker recognises it. A publication that is given up
 * leaves its number to nothing.
 */
import { fromWireError, TabmqError } from '../../protocol/errors.js'
import {
  CLIENT_DEFAULTS,
  PRODUCER_DEFAULTS,
  PRODUCER_EXPIRATION_MS,
  PRODUCE_REQUEST_BYTES_MAX,
  PUBLICATIONS_MAX,
  REQUEST_PARTITIONS_MAX,
} from '../../protocol/limits.js'
import type { ExchangeName, ProducerId } from '../../protocol/names.js'
import type { PublishResult } from '../../protocol/requests/exchanges.js'
import type { Acks } from '../../protocol/requests/log.js'
import type { RequestOf } from '../../protocol/requests/request.js'
import type { Connection } from '../connection.js'
import type { ClientHost } from '../host.js'
import { backoffMs } from '../retry-backoff.js'
import type { ByteBudget } from './byte-budget.js'
import type { OutgoingPublication } from './outgoing-publication.js'

export interface PublishLineOptions {
  readonly host: ClientHost
  readonly connection: Connection
  readonly budget: ByteBudget
  readonly exchange: ExchangeName
  readonly producerId: ProducerId
  readonly deliveryTimeoutMs: number
  /** Called for each publication that was answered or given up. */
  readonly onSettled: (publication: OutgoingPublication) => void
}

/** Publications under consecutive numbers. */
interface Numbered {
  readonly firstNumber: number
  readonly acks: Acks
  readonly publications: readonly OutgoingPublication[]
  /** The broker has stored something of this producer, and surely remembers it as long as this is tried. */
  readonly followsStored: boolean
  attempts: number
  notBeforeMs: number
  isInFlight: boolean
  /** When it was first sent, by the machine's clock, which is the broker's as well. */
  triedSinceMs: number | undefined
  lastError: unknown
}

export class PublishLine {
  readonly #options: PublishLineOptions
  #queue: OutgoingPublication[] = []
  #request: Numbered | undefined
  #nextNumber = 0
  /** Until when the broker surely remembers this producer, by the machine's clock. */
  #knownUntilMs = -Infinity
  #cancelRoom: (() => void) | undefined
  #isWoken = false
  #wakeup: { readonly atMs: number; readonly cancel: () => void } | undefined

  constructor(options: PublishLineOptions) {
    this.#options = options
  }

  /** Whether any that came before waits for room. */
  get isWaiting(): boolean {
    return this.#queue.at(-1)?.hasRoom === false
  }

  /** Sends it in a moment, so that what is published in the same turn goes along. */
  add(publication: OutgoingPublication): void {
    this.#queue.push(publication)
    if (!publication.hasRoom) this.#waitForRoom()
    if (this.#isWoken) return
    this.#isWoken = true
    queueMicrotask(() => {
      this.#isWoken = false
      this.run()
    })
  }

  run(): void {
    this.#expire()
    const request = this.#dueRequest()
    if (request !== undefined) void this.#send(request)
    this.#schedule()
  }

  /**
   * The page is going away: posts what is next without waiting for the answer. Should the page come back,
   * it is sent again, and the broker recognises what it has.
   */
  post(): void {
    const { connection, host } = this.#options
    const request = this.#dueRequest()
    if (request === undefined) return
    connection.post(this.#wire(request))
    request.notBeforeMs = host.nowMs()
    this.#schedule()
  }

  /** The data that it was for are gone: everything in it fails, and the numbers begin anew. */
  abandon(error: unknown): void {
    const all = [...(this.#request?.publications ?? []), ...this.#queue]
    this.#request = undefined
    this.#queue = []
    this.#nextNumber = 0
    this.#knownUntilMs = -Infinity
    this.#stopWaiting()
    for (const publication of all) this.#fail(publication, error)
    this.#schedule()
  }

  /** It cannot be sent after all. */
  giveUp(publication: OutgoingPublication, error: unknown): void {
    this.#queue = this.#queue.filter((other) => other !== publication)
    this.#stopWaiting()
    this.#fail(publication, error)
    this.#waitForRoom()
    this.run()
  }

  /** What may be sent now: again, or for the first time. */
  #dueRequest(): Numbered | undefined {
    const nowMs = this.#options.host.nowMs()
    if (this.#request === undefined) this.#request = this.#nextRequest()
    const request = this.#request
    if (request === undefined || request.isInFlight || nowMs < request.notBeforeMs) return undefined
    return request
  }

  #nextRequest(): Numbered | undefined {
    const { host } = this.#options
    const [first] = this.#queue
    if (first === undefined) return undefined
    const publications: OutgoingPublication[] = []
    let bytes = 0
    let batches = 0
    for (const publication of this.#queue) {
      const isReady = publication.hasRoom && publication.isAssembled
      if (!isReady || publication.acks !== first.acks) break
      bytes += publication.bytes
      batches += publication.batchCount
      const isFull = bytes > PRODUCE_REQUEST_BYTES_MAX || batches > REQUEST_PARTITIONS_MAX
      if (isFull && publications.length > 0) break
      publications.push(publication)
      if (publications.length >= PUBLICATIONS_MAX) break
    }
    if (publications.length === 0) return undefined
    this.#queue.splice(0, publications.length)
    const firstNumber = this.#nextNumber
    this.#nextNumber += publications.length
    return {
      firstNumber,
      acks: first.acks,
      publications,
      followsStored: host.wallMs() < this.#knownUntilMs,
      attempts: 0,
      notBeforeMs: 0,
      isInFlight: false,
      triedSinceMs: undefined,
      lastError: undefined,
    }
  }

  /** As it is sent now, and noted that it was. */
  #wire(request: Numbered): RequestOf<'publish'> {
    const { exchange, producerId, host } = this.#options
    const { firstNumber, acks, publications, followsStored } = request
    const isRepeat = followsStored && request.triedSinceMs !== undefined
    request.triedSinceMs ??= host.wallMs()
    return {
      api: 'publish',
      exchange,
      producerId,
      firstNumber,
      acks,
      publications: publications.map((publication) => publication.toWire()),
      ...(isRepeat ? { isRepeat } : {}),
    }
  }

  async #send(request: Numbered): Promise<void> {
    const { connection, host, deliveryTimeoutMs } = this.#options
    const createdAtMs = Math.max(...request.publications.map((each) => each.createdAtMs))
    const leftMs = createdAtMs + deliveryTimeoutMs - host.nowMs()
    request.isInFlight = true
    request.attempts += 1
    try {
      // Not repeatable as a call: it is repeated here, under the same numbers.
      const { results } = await connection.call(this.#wire(request), {
        isRepeatable: false,
        timeoutMs: Math.max(1, Math.min(leftMs, CLIENT_DEFAULTS.requestTimeoutMs)),
        isMoot: () => this.#isForgotten(request),
      })
      if (this.#request === request) this.#answered(request, results)
    } catch (error) {
      if (this.#request === request) this.#failed(request, error)
    }
    request.isInFlight = false
    this.run()
  }

  #answered(request: Numbered, results: readonly PublishResult[]): void {
    this.#request = undefined
    const again: OutgoingPublication[] = []
    for (const [index, publication] of request.publications.entries()) {
      if (publication.isSettled) continue
      const result = results[index]
      if (result?.placements !== undefined) {
        publication.succeed(result.placements)
        this.#options.onSettled(publication)
        continue
      }
      const error =
        result === undefined
          ? new TabmqError('UNKNOWN_SERVER_ERROR', 'a publication without an answer', {})
          : fromWireError(result.error)
      // It is surely not stored, and goes on in front of what came after it, under another number.
      if (error.retriable) again.push(publication)
      else this.#fail(publication, error)
    }
    this.#queue.unshift(...again)
    const isStored = results.some(({ placements = [] }) => placements.length > 0)
    // With acks 0 it was answered before it was written, and may never be.
    if (!isStored || request.acks === 0) return
    // Half, since what is sent now is written a while later.
    const rememberedMs = PRODUCER_EXPIRATION_MS / 2
    this.#knownUntilMs = this.#options.host.wallMs() + rememberedMs
  }

  #failed(request: Numbered, error: unknown): void {
    const { host } = this.#options
    request.lastError = error
    if (error instanceof TabmqError && error.retriable) {
      const waitMs = backoffMs(request.attempts, {
        firstMs: PRODUCER_DEFAULTS.retryBackoffMs,
        maxMs: PRODUCER_DEFAULTS.retryBackoffMsMax,
        random: () => host.random(),
      })
      request.notBeforeMs = host.nowMs() + waitMs
      return
    }
    this.#request = undefined
    for (const publication of request.publications) this.#fail(publication, error)
  }

  /** Gives up what is too late, and what nobody can say any more whether it was stored. */
  #expire(): void {
    const { host, deliveryTimeoutMs } = this.#options
    const bornBeforeMs = host.nowMs() - deliveryTimeoutMs
    const isLate = ({ createdAtMs }: OutgoingPublication) => createdAtMs < bornBeforeMs
    const request = this.#request
    if (request !== undefined) {
      const isForgotten = this.#isForgotten(request)
      for (const publication of request.publications) {
        if (isForgotten || isLate(publication)) this.#fail(publication, this.#lateError(request))
      }
      const isOver = request.publications.every(({ isSettled }) => isSettled)
      if (isOver && !request.isInFlight) this.#request = undefined
    }
    const late = this.#queue.filter(isLate)
    if (late.length === 0) return
    this.#queue = this.#queue.filter((publication) => !isLate(publication))
    for (const publication of late) this.#fail(publication, this.#lateError(undefined))
    this.#stopWaiting()
    this.#waitForRoom()
  }

  #lateError(request: Numbered | undefined): TabmqError {
    const { exchange, deliveryTimeoutMs } = this.#options
    const attempts = request?.attempts ?? 0
    const message = `not delivered within ${deliveryTimeoutMs} ms, or too late to find out by sending it again`
    const details = { exchange, deliveryTimeoutMs, attempts }
    return new TabmqError('DELIVERY_TIMED_OUT', message, details, request?.lastError)
  }

  /** The broker may have forgotten the producer by now, and would store it once more. */
  #isForgotten({ triedSinceMs }: Numbered): boolean {
    if (triedSinceMs === undefined) return false
    return this.#options.host.wallMs() - triedSinceMs >= PRODUCER_EXPIRATION_MS
  }

  #fail(publication: OutgoingPublication, error: unknown): void {
    if (publication.isSettled) return
    publication.fail(error)
    this.#options.onSettled(publication)
  }

  /** The first without room waits for some, the others behind it. */
  #waitForRoom(): void {
    if (this.#cancelRoom !== undefined) return
    const first = this.#queue.find(({ hasRoom }) => !hasRoom)
    if (first === undefined) return
    const { taken, cancel } = this.#options.budget.take(first.bytes)
    this.#cancelRoom = cancel
    void taken.then(() => {
      // It was given up in the moment between.
      if (this.#cancelRoom !== cancel) return this.#options.budget.release(first.bytes)
      this.#cancelRoom = undefined
      first.hasRoom = true
      this.#waitForRoom()
      this.run()
    })
  }

  #stopWaiting(): void {
    this.#cancelRoom?.()
    this.#cancelRoom = undefined
  }

  /** Wakes when the request may be tried again, or something is too old. */
  #schedule(): void {
    const { host, deliveryTimeoutMs } = this.#options
    const request = this.#request
    const waiting = [...(request?.publications ?? []), ...this.#queue]
    let atMs = Infinity
    for (const { isSettled, createdAtMs } of waiting) {
      if (!isSettled) atMs = Math.min(atMs, createdAtMs + deliveryTimeoutMs + 1)
    }
    if (request !== undefined && !request.isInFlight) atMs = Math.min(atMs, request.notBeforeMs)
    if (this.#wakeup?.atMs === atMs) return
    this.#wakeup?.cancel()
    this.#wakeup = undefined
    if (atMs === Infinity) return
    const cancel = host.setTimer(Math.max(1, atMs - host.nowMs()), () => {
      this.#wakeup = undefined
      this.run()
    })
    this.#wakeup = { atMs, cancel }
  }
}
