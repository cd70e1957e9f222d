/**
 * Where a request's answer goes, as its message has it: in two headers, which whoever sent it did not
 * write and whoever handles it does not see.
 */
import type { SessionId } from '../protocol/names.js'
import { GROUP_ID_LENGTH_MAX } from '../protocol/limits.js'
import type { ReplyTo } from '../protocol/requests/replies.js'
import { NO_HEADERS, type Headers } from './headers.js'

const REPLY_TO = 'tabmq-reply-to'
const CORRELATION_ID = 'tabmq-correlation-id'

export function withReplyTo(
  headers: Headers | undefined,
  { sessionId, correlationId }: ReplyTo,
): Headers {
  return { ...headers, [REPLY_TO]: sessionId, [CORRELATION_ID]: correlationId }
}

/** Undefined where there is no address, and where what is there can be none: then it stays a header. */
export function takeReplyTo(
  headers: Headers,
): { readonly replyTo: ReplyTo; readonly headers: Headers } | undefined {
  if (!Object.hasOwn(headers, REPLY_TO)) return undefined
  const { [REPLY_TO]: sessionId, [CORRELATION_ID]: correlationId, ...others } = headers
  if (!isId(sessionId) || !isId(correlationId)) return undefined
  const rest = Object.keys(others).length === 0 ? NO_HEADERS : others
  return { replyTo: { sessionId: sessionId as SessionId, correlationId }, headers: rest }
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= GROUP_ID_LENGTH_MAX
}
