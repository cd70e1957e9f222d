/** Answers `redrive`: dead letters go back to where they died, each once. */
import { allEnded } from '../../std/promises.js'
import type { RequestOf, ResponseOf } from '../../protocol/requests/request.js'
import { REDRIVE_GROUP } from '../share/decide-redrive.js'
import type { Broker } from './broker.js'

/** Answered when all of it is where it was to go, or stays. */
export async function redrive(
  broker: Broker,
  request: RequestOf<'redrive'>,
): Promise<ResponseOf<'redrive'>> {
  const { logs, shares } = broker.state
  for (const { partitionId } of request.records) logs.findOrThrow(partitionId)
  const partitionIds = new Set(request.records.map(({ partitionId }) => partitionId))
  await broker.apply({ records: shares.redriveStart(partitionIds), response: undefined })
  const decision = broker.state.shares.redrive(request, broker.context())
  const applied = broker.apply(decision)
  const moving = request.records.map(({ partitionId, offset }, index) => {
    if (decision.response.moved[index] !== true) return Promise.resolve([])
    const range = { partitionId, firstOffset: offset, lastOffset: offset }
    return broker.deadLetters.outcomes(REDRIVE_GROUP, range)
  })
  await applied
  const outcomes = await allEnded(moving)
  return { moved: outcomes.map(([outcome]) => outcome === 'written') }
}
