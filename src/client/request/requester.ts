/**
 * The asking side of requests: sends each as a message with an address on it, and waits for the answer, which
 * comes as a push. What waits outlives the broker: the message is in the log, the address is the tab's
 * own, and the answer comes by way of whichever broker there is then.
 */
import type { Headers } from '../../codec/headers.js'
import { withReplyTo } from '../../codec/reply-address.js'
import { structuredCodec } from '../../codec/structured-codec.js'
import { TabmqError } from '../../protocol/errors.js'
import { REQUEST_DEFAULTS, REQUESTS_WAITING_MAX, TIMER_MS_MAX } from '../../protocol/limits.js'
import { parseTopicName } from '../../protocol/names.js'
import type { Answer, AnsweredError } from '../../protocol/requests/replies.js'
import { deferred, type Deferred } from '../../std/deferred.js'
import { checkInteger, checkNoOthers, checkObject, given } from '../check-options.js'
import type { Connection } from '../connection.js'
import type { ClientHost } from '../host.js'
import type { MessageKey } from '../message.js'
import type { Producer } from '../producer/producer.js'

/** What `mq.request` takes. */
export interface RequestOptions {
  /** Whoever handles it, in whichever kind of group, may answer it. */
  readonly topic: string
  readonly value: unknown
  /** As of a {@link Message}. */
  readonly key?: MessageKey | null
  readonly headers?: Headers
  /** 0 (default) to 9: share groups deliver higher ones first. */
  readonly priority?: number
  /** So long an answer is waited for, and no longer do share groups deliver the message. Default 30 s. */
  readonly timeoutMs?: number
  /** Ends the wait; the message may be handled all the same. */
  readonly signal?: AbortSignal
}

const NAMES = ['topic', 'value', 'key', 'headers', 'priority', 'timeoutMs', 'signal']

export interface RequesterOptions {
  readonly host: ClientHost
  readonly connection: Connection
  /** Called once, with the first request. */
  readonly producer: () => Producer
}

interface Waiting {
  readonly topic: string
  readonly answered: Deferred<unknown>
}

export class Requester {
  readonly #options: RequesterOptions
  readonly #waiting = new Map<string, Waiting>()
  #producer: Producer | undefined

  constructor(options: RequesterOptions) {
    this.#options = options
    const { connection } = options
    connection.onReply(({ correlationId, answer }) => this.#take(correlationId, answer))
    connection.events.on('forget', ({ error }) => this.#rejectAll(error))
    connection.events.on('failed', ({ error }) => this.#rejectAll(error))
    connection.events.on('closed', () => {
      this.#rejectAll(new TabmqError('CLIENT_CLOSED', 'this client has been closed', {}))
    })
  }

  async request(options: RequestOptions): Promise<unknown> {
    const { topic, timeoutMs, signal, message } = checked(options)
    const { host, connection } = this.#options
    if (signal?.aborted === true) throw aborted(topic)
    if (this.#waiting.size >= REQUESTS_WAITING_MAX) {
      const what = `${REQUESTS_WAITING_MAX} requests of this tab wait for an answer, as many as may`
      throw new TabmqError('THROTTLING_QUOTA_EXCEEDED', what, { REQUESTS_WAITING_MAX })
    }
    const correlationId = host.freshId()
    const replyTo = { sessionId: connection.sessionId, correlationId }
    const answered = deferred<unknown>()
    this.#waiting.set(correlationId, { topic, answered })
    const cancelTimer = host.setTimer(timeoutMs, () => answered.reject(timedOut(topic, timeoutMs)))
    const onAbort = () => answered.reject(aborted(topic))
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      this.#producer ??= this.#options.producer()
      const headers = withReplyTo(message.headers, replyTo)
      this.#producer
        .send({ topic, messages: [{ ...message, headers, ttlMs: timeoutMs }] })
        .catch((error: unknown) => answered.reject(error))
      return await answered.promise
    } finally {
      this.#waiting.delete(correlationId)
      cancelTimer()
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** Returns whether it was waited for. */
  #take(correlationId: string, answer: Answer): boolean {
    const waiting = this.#waiting.get(correlationId)
    if (waiting === undefined) return false
    this.#waiting.delete(correlationId)
    const { topic, answered } = waiting
    try {
      if ('error' in answer) throw failed(topic, answer.error)
      answered.resolve(decoded(topic, answer.value))
    } catch (error) {
      answered.reject(error)
    }
    return true
  }

  #rejectAll(error: TabmqError): void {
    for (const { answered } of this.#waiting.values()) answered.reject(error)
    this.#waiting.clear()
  }
}

/** What of it is the message's is checked when that is sent. */
function checked(options: RequestOptions) {
  checkObject('the options of request', options)
  checkNoOthers('request', options, NAMES)
  const { topic, value, timeoutMs = REQUEST_DEFAULTS.timeoutMs, signal, ...others } = options
  const message = { value, ...given(others) }
  if (message.headers !== undefined) checkObject('headers', message.headers)
  checkInteger('timeoutMs', timeoutMs, { min: 1, max: TIMER_MS_MAX })
  return { topic: parseTopicName(topic), timeoutMs, signal, message }
}

function decoded(topic: string, value: ArrayBuffer): unknown {
  try {
    return structuredCodec.decode(new Uint8Array(value))
  } catch (error) {
    const message = `the answer to a request to "${topic}" cannot be decoded`
    throw new TabmqError('CORRUPT_MESSAGE', message, { topic }, error)
  }
}

function failed(topic: string, { name, message, code }: AnsweredError): TabmqError {
  const cause = Object.assign(new Error(message), { name }, code === undefined ? {} : { code })
  const details = { topic, name, message, ...(code === undefined ? {} : { code }) }
  const what = `whoever handled the request to "${topic}" failed: ${message}`
  return new TabmqError('REQUEST_FAILED', what, details, cause)
}

function timedOut(topic: string, timeoutMs: number): TabmqError {
  const message = `nobody has answered the request to "${topic}" within ${timeoutMs} ms`
  return new TabmqError('REQUEST_TIMED_OUT', message, { what: 'request', topic, timeoutMs })
}

function aborted(topic: string): TabmqError {
  return new TabmqError('ABORTED', `the request to "${topic}" was aborted`, { topic })
}
