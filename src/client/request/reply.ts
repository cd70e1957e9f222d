/** The handler's side of a request: one answer, the first, to whoever waits for it. */
import { structuredCodec } from '../../codec/structured-codec.js'
import { hasCode, TabmqError } from '../../protocol/errors.js'
import { REPLY, REPLY_BYTES_MAX } from '../../protocol/limits.js'
import { describe } from '../../protocol/names.js'
import type { Answer, AnsweredError, ReplyTo } from '../../protocol/requests/replies.js'
import type { Connection } from '../connection.js'

/**
 * Answers a request. The value may be whatever the default codec can encode, up to 16 MiB.
 *
 * Resolves with whether the tab that asked has it: false when nobody waits any more (the time is over, the
 * tab is gone, it has an answer already), when nobody asked, and when it did not take the answer within a
 * second, as a tab that is frozen. Of several calls for one delivery the first counts.
 * @throws TabmqError SERIALIZATION_FAILED, MESSAGE_TOO_LARGE; another may be given then
 *
 * @example
 * await consumer.run({ eachMessage: async ({ message, reply }) => {
 *   await reply(await search(message.value))
 * } })
 */
export interface Reply {
  (value?: unknown): Promise<boolean>
  /** Answers with an error: `request` rejects with REQUEST_FAILED, and this one as its `cause`. */
  error(error: unknown): Promise<boolean>
}

/** What a handler gets where nobody waits for an answer. */
export const NOBODY_ASKED: Reply = Object.assign(() => Promise.resolve(false), {
  error: () => Promise.resolve(false),
})

/** The answer of one delivery of a request. */
export class PendingAnswer {
  readonly reply: Reply
  readonly #connection: Connection
  readonly #replyTo: ReplyTo
  #isGiven = false

  constructor(connection: Connection, replyTo: ReplyTo) {
    this.#connection = connection
    this.#replyTo = replyTo
    this.reply = Object.assign((value?: unknown) => this.#give(() => ({ value: encoded(value) })), {
      error: (error: unknown) => this.#fail(error),
    })
  }

  /** There will be no other answer than this error, unless there was one. */
  fail(thrown: unknown): void {
    void this.#fail(thrown).catch(() => {
      // The broker refuses it, as one of another deployment may: then nobody can be told.
    })
  }

  #fail(error: unknown): Promise<boolean> {
    return this.#give(() => ({ error: answeredError(error) }))
  }

  async #give(answerOf: () => Answer): Promise<boolean> {
    if (this.#isGiven) return false
    const answer = answerOf()
    this.#isGiven = true
    const request = { api: 'reply', ...this.#replyTo, answer } as const
    try {
      // A broker that died may have brought it; nobody waits for it a second time then.
      const { isHeard } = await this.#connection.call(request, { isRepeatable: true })
      return isHeard
    } catch (error) {
      if (!hasCode(error, 'MESSAGE_TOO_LARGE', 'INVALID_REQUEST')) return false
      this.#isGiven = false
      throw error
    }
  }
}

/** @throws TabmqError SERIALIZATION_FAILED, MESSAGE_TOO_LARGE */
function encoded(value: unknown): ArrayBuffer {
  const bytes = encodedBytes(value)
  const replyBytesMax = REPLY_BYTES_MAX
  if (bytes.byteLength <= replyBytesMax) return bytes.slice().buffer
  const message = `a reply of ${bytes.byteLength} bytes is over the limit of ${replyBytesMax}`
  throw new TabmqError('MESSAGE_TOO_LARGE', message, { bytes: bytes.byteLength, replyBytesMax })
}

function encodedBytes(value: unknown): Uint8Array {
  try {
    return structuredCodec.encode(value)
  } catch (error) {
    const reason = error instanceof Error ? error.message : describe(error)
    const message = `the reply cannot be encoded: ${reason}`
    throw new TabmqError('SERIALIZATION_FAILED', message, {}, error)
  }
}

/** Anything can be thrown. */
function answeredError(thrown: unknown): AnsweredError {
  if (typeof thrown !== 'object' || thrown === null) {
    return { name: 'Error', message: clipped(String(thrown), REPLY.errorMessageLengthMax) }
  }
  const { name, message, code } = thrown as Partial<Record<keyof AnsweredError, unknown>>
  const nameMax = REPLY.errorNameLengthMax
  const isCode = typeof code === 'number' || (typeof code === 'string' && code.length <= nameMax)
  return {
    name: typeof name === 'string' ? clipped(name, nameMax) : 'Error',
    message:
      typeof message === 'string'
        ? clipped(message, REPLY.errorMessageLengthMax)
        : `${describe(thrown)} was thrown`,
    ...(isCode ? { code } : {}),
  }
}

function clipped(text: string, lengthMax: number): string {
  return text.slice(0, lengthMax)
}
