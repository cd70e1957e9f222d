/** What a handler answers to the tab that waits for it: the broker brings it there. */
import type { SessionId } from '../names.js'
import type { Api } from './api.js'

export interface ReplyApis {
  /** Brings the tab that sent a request its answer: whether anybody there was waiting for it. */
  reply: Api<ReplyTo & { answer: Answer }, { isHeard: boolean }>
}

/** Who waits for the answer of a request, and by which name it is known there. */
export interface ReplyTo {
  readonly sessionId: SessionId
  readonly correlationId: string
}

/** What a handler replied, encoded by the structured codec, or how it failed. */
export type Answer = { readonly value: ArrayBuffer } | { readonly error: AnsweredError }

/** As much of an error as crosses from one tab to another. */
export interface AnsweredError {
  readonly name: string
  readonly message: string
  readonly code?: string | number
}
