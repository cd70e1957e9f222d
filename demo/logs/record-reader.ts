/** Reads one record of a log, as anybody may: no group has come any further by that. */
import type { Admin, FetchedMessage } from '../../src/index.js'

export interface RecordPlace {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** @throws TabmqError; Error when the record is not there any more */
export async function readRecord(admin: Admin, place: RecordPlace): Promise<FetchedMessage> {
  const { offset, partition } = place
  const { messages } = await admin.fetchMessages({ ...place, maxMessages: 1 })
  const found = messages.find((message) => message.offset === offset)
  if (found === undefined)
    throw new Error(`partition ${partition} has no offset ${offset} any more`)
  return found
}
