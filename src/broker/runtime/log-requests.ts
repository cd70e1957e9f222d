/** Answers what reads logs, and what deletes their records. */
import type { RequestOf, ResponseOf } from '../../protocol/requests/request.js'
import { decideDeleteRecords } from '../log/decide-retention.js'
import { partitionResult } from '../log/partition-result.js'
import type { StateRecord } from '../records.js'
import { isRefused, settled } from './asked.js'
import type { Broker } from './broker.js'
import type { Session } from './session.js'

export async function fetch(
  broker: Broker,
  session: Session,
  request: RequestOf<'fetch'>,
): Promise<ResponseOf<'fetch'>> {
  const response = await broker.purgatory.fetch(session.sessionId, request)
  // A log start, or a deletion, that is not on the disk yet may never be: nobody is to go on from
  // elsewhere for it, or to stop.
  return response.partitions.some(isRefused) ? settled(broker, response) : response
}

export async function listOffsets(
  broker: Broker,
  session: Session,
  request: RequestOf<'listOffsets'>,
): Promise<ResponseOf<'listOffsets'>> {
  const results = await broker.reader.listOffsets(request.partitions, session.sessionId)
  // Nor to skip what stays. By time nothing below the log start is found; the end is durable anyway.
  const asksForStart = request.partitions.some(({ at }) => at !== 'latest')
  return asksForStart || results.some(isRefused) ? settled(broker, { results }) : { results }
}

export function deleteRecords(
  broker: Broker,
  request: RequestOf<'deleteRecords'>,
): Promise<ResponseOf<'deleteRecords'>> {
  const records: StateRecord[] = []
  const results = request.partitions.map(({ partitionId, beforeOffset }) =>
    partitionResult(partitionId, () => {
      const log = broker.state.logs.findOrThrow(partitionId)
      const decision = decideDeleteRecords(log, beforeOffset)
      records.push(...decision.records)
      return decision.response
    }),
  )
  return broker.apply({ records, response: { results } })
}
