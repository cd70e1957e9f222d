/** A request on its way to whoever answers it, and what all answers have in common. */
import type { PartitionResult } from '../../protocol/requests/partitions.js'
import type { Broker } from './broker.js'
import type { Reservation } from './buffered-bytes.js'
import type { Session } from './session.js'

export interface Asked<R> {
  readonly session: Session
  readonly request: R
  /** Its batches, let go of when it is answered unless this is handed over. */
  readonly reservation: Reservation
}

/** What was read may rest on decisions still on their way to the disk: it waits for them. */
export function settled<T>(broker: Broker, response: T): Promise<T> {
  return broker.apply({ records: [], response })
}

/** Whether it says of the state that something is not there; other errors say nothing of it. */
export function isRefused({ error }: PartitionResult<unknown>): boolean {
  return error?.code === 'OFFSET_OUT_OF_RANGE' || error?.code === 'UNKNOWN_TOPIC_OR_PARTITION'
}
