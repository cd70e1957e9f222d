/**
 * The gate of the broker: turns whatever came over a port into a {@link Request} or throws a typed
 * error that names the offending field. Nothing behind it checks shapes again.
 */
import { Fields } from '../fields.js'
import type { BrokerLimits } from '../limits.js'
import type { ParsersOf } from './api.js'
import { CLUSTER_PARSERS } from './parse-cluster.js'
import { EXCHANGE_PARSERS } from './parse-exchanges.js'
import { GROUP_PARSERS } from './parse-groups.js'
import { LOG_PARSERS } from './parse-log.js'
import { REPLY_PARSERS } from './parse-replies.js'
import { SHARE_GROUP_PARSERS } from './parse-share-groups.js'
import { STORE_PARSERS } from './parse-stores.js'
import { TOPIC_PARSERS } from './parse-topics.js'
import type { ApiName, Apis, Request } from './request.js'

const PARSERS: ParsersOf<Apis> = {
  ...TOPIC_PARSERS,
  ...LOG_PARSERS,
  ...GROUP_PARSERS,
  ...SHARE_GROUP_PARSERS,
  ...STORE_PARSERS,
  ...EXCHANGE_PARSERS,
  ...REPLY_PARSERS,
  ...CLUSTER_PARSERS,
}

const API_NAMES = Object.keys(PARSERS) as ApiName[]

/** @throws TabmqError INVALID_REQUEST, or the error of the name or config that is wrong */
export function parseRequest(value: unknown, limits: BrokerLimits): Request {
  const fields = new Fields('request', value)
  const api = fields.oneOf('api', API_NAMES)
  return PARSERS[api](fields, limits)
}
