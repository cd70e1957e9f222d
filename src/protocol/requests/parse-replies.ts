/** The answer to a tab that waits, as it comes over a port. */
import { TabmqError } from '../errors.js'
import type { Fields } from '../fields.js'
import { ID_LENGTH_MAX, REPLY, type BrokerLimits } from '../limits.js'
import { parseSessionId } from '../names.js'
import type { ParsersOf } from './api.js'
import type { Answer, ReplyApis } from './replies.js'

export const REPLY_PARSERS: ParsersOf<ReplyApis> = {
  reply: (fields, limits) => ({
    api: 'reply',
    sessionId: parseSessionId(fields.raw('sessionId')),
    correlationId: fields.string('correlationId', ID_LENGTH_MAX),
    answer: parseAnswer(fields, limits),
  }),
}

/** @throws TabmqError MESSAGE_TOO_LARGE besides */
function parseAnswer(parent: Fields, { replyBytesMax }: BrokerLimits): Answer {
  const fields = parent.object('answer')
  if (!fields.has('error')) {
    const value = fields.buffer('value')
    if (value.byteLength <= replyBytesMax) return { value }
    const message = `a reply of ${value.byteLength} bytes is over the limit of ${replyBytesMax}`
    throw new TabmqError('MESSAGE_TOO_LARGE', message, { bytes: value.byteLength, replyBytesMax })
  }
  const error = fields.object('error')
  const code = error.raw('code')
  return {
    error: {
      name: error.string('name', REPLY.errorNameLengthMax),
      message: error.string('message', REPLY.errorMessageLengthMax),
      ...(code === undefined
        ? {}
        : { code: typeof code === 'number' ? code : error.string('code', ID_LENGTH_MAX) }),
    },
  }
}
