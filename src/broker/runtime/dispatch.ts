/**
 * One line per API: which part decides, and how durable the answer has to be. Requests come here
 * parsed; what they return becomes the response.
 */
import { unreachable } from '../../std/assert.js'
import { TabmqError } from '../../protocol/errors.js'
import type { ApiName, Request, ResponseOf } from '../../protocol/requests/request.js'
import { decideStoreClear, decideStoreWrites } from '../store/decide-store.js'
import {
  decideBind,
  decideDeclareExchange,
  decideDeleteExchange,
  decideUnbind,
} from '../routing/decide-exchanges.js'
import { decideCreatePartitions, decideCreateTopics } from '../topic/decide-topics.js'
import { settled, type Asked } from './asked.js'
import type { Broker } from './broker.js'
import { deleteGroups, groupHeartbeat, joinShareGroup, listGroups } from './group-requests.js'
import { deleteRecords, fetch, listOffsets } from './log-requests.js'
import { produce } from './produce.js'
import { publish } from './publish.js'
import { redrive } from './redrive.js'
import { commitOffsets, shareAcknowledge } from './store-changes.js'
import { alterConfigs, deleteTopics, metadata } from './topic-requests.js'

/** A refusal may rest on decisions still on their way to the disk as well: it waits for them too. */
export async function dispatch(
  broker: Broker,
  { session, request, reservation }: Asked<Request>,
): Promise<ResponseOf<ApiName>> {
  try {
    return await answer(broker, { session, request, reservation })
  } catch (error) {
    if (error instanceof TabmqError) await settled(broker, undefined)
    throw error
  }
}

function answer(
  broker: Broker,
  { session, request, reservation }: Asked<Request>,
): Promise<ResponseOf<ApiName>> {
  const { state } = broker
  const { groups, shares } = state
  switch (request.api) {
    case 'metadata':
      return settled(broker, metadata(broker, request))
    case 'createTopics':
      return broker.apply(decideCreateTopics(state, request, broker.context()))
    case 'deleteTopics':
      return deleteTopics(broker, request)
    case 'createPartitions':
      return broker.apply(decideCreatePartitions(state, request))
    case 'alterConfigs':
      return alterConfigs(broker, request)
    case 'produce':
      return produce(broker, { session, request, reservation })
    case 'fetch':
      return fetch(broker, session, request)
    case 'listOffsets':
      return listOffsets(broker, session, request)
    case 'deleteRecords':
      return deleteRecords(broker, request)
    case 'groupHeartbeat':
      return groupHeartbeat(broker, session, request)
    case 'leaveGroup':
      return broker.apply(groups.leave(request, broker.context()))
    case 'commitOffsets':
      return commitOffsets(broker, request)
    case 'fetchOffsets':
      return settled(broker, groups.fetchOffsets(request))
    case 'startOffsets':
      return broker.apply(groups.startOffsets(request, broker.context()))
    case 'listGroups':
      return settled(broker, listGroups(broker))
    case 'describeGroups':
      return settled(broker, { groups: groups.describe(request.groupIds) })
    case 'deleteGroups':
      return deleteGroups(broker, request)
    case 'joinShareGroup':
      return joinShareGroup(broker, session, request)
    case 'leaveShareGroup':
      return broker.apply(shares.leave(request, broker.context()))
    case 'shareFetch':
      return broker.sharePurgatory.fetch(session.sessionId, request)
    case 'shareAcknowledge':
      return shareAcknowledge(broker, request)
    case 'redrive':
      return redrive(broker, request)
    case 'describeShareGroups':
      return settled(broker, { groups: shares.describeAll(request.groupIds, broker.context()) })
    case 'storeRead':
      return broker.readStore(session.sessionId, request)
    case 'storeWrite':
      return broker.apply({
        records: decideStoreWrites(state.stores, [request], broker.limits),
        response: {},
      })
    case 'storeClear':
      return broker.apply({ records: decideStoreClear(request.store), response: {} })
    case 'storeWatch':
      broker.storeWatches.open(session, request)
      return Promise.resolve({})
    case 'storeUnwatch':
      broker.storeWatches.close(session, request.watchId)
      return Promise.resolve({})
    case 'listStores':
      return settled(broker, { stores: state.stores.list() })
    case 'declareExchange':
      return broker.apply(decideDeclareExchange(state, request, broker.context()))
    case 'deleteExchange':
      return broker.apply(decideDeleteExchange(state, request))
    case 'listExchanges':
      return settled(broker, { exchanges: state.exchanges.describeAll(state.topics) })
    case 'bind':
      return broker.apply(decideBind(state, request))
    case 'unbind':
      return broker.apply(decideUnbind(state, request))
    case 'publish':
      return publish(broker, { session, request, reservation })
    case 'reply':
      return broker.replies.reply(request).then((isHeard) => ({ isHeard }))
    case 'describeCluster':
      return broker.describeCluster()
    case 'watch':
      return settled(broker, broker.watches.open(session, request.watchId, request.intervalMs))
    case 'unwatch':
      broker.watches.close(session, request.watchId)
      return Promise.resolve({})
    default:
      return unreachable(request)
  }
}
