/**
 * All that a tab can ask of the broker. A request is a plain object tagged by `api`; the reply is the
 * wire form of either the response or an error. Partitions travel as partition ids: an id names one
 * partition of one topic's life, so a topic that was deleted and made again can never be confused with
 * its predecessor (rule 21).
 */
import type { WireError } from '../errors.js'
import type { Tagged } from './api.js'
import type { ClusterApis } from './cluster.js'
import type { ExchangeApis } from './exchanges.js'
import type { GroupApis } from './groups.js'
import type { LogApis } from './log.js'
import type { ReplyApis } from './replies.js'
import type { ShareGroupApis } from './share-groups.js'
import type { StoreApis } from './stores.js'
import type { TopicApis } from './topics.js'

/** Every API by name. */
export interface Apis
  extends
    TopicApis,
    LogApis,
    GroupApis,
    ShareGroupApis,
    StoreApis,
    ExchangeApis,
    ReplyApis,
    ClusterApis {}

export type ApiName = keyof Apis
export type RequestOf<A extends ApiName> = Tagged<A, Apis[A]['request']>
export type ResponseOf<A extends ApiName> = Apis[A]['response']
export type Request = { [A in ApiName]: RequestOf<A> }[ApiName]

/** What comes back over the port. The incarnation tells one life of the broker from the next. */
export type WireReply<T = unknown> =
  | { readonly incarnation: string; readonly ok: true; readonly value: T }
  | { readonly incarnation: string; readonly ok: false; readonly error: WireError }
