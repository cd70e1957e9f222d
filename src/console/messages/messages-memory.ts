/** What the message browser showed when the reader went to another view: kept for as long as the session is. */
import type { Route } from '../route.js'
import type { ConsoleSession } from '../session/console-session.js'
import type { Row } from './message-row.js'
import type { CheckedQuery, Query } from './read-form.js'
import { ScanReader } from './scan-reader.js'

/** What the rows are of, while the form may say something else. */
export interface Asked extends CheckedQuery {
  readonly query: Query
  /** The address that says it; where none can, that of the message browser. */
  readonly route: Route
  readonly topic: string
  /** Another topic of the same name has another. */
  readonly topicId: string
  /** Each reading has its own. */
  readonly number: number
}

/** Where the reader is in the list. */
export interface ListState {
  readonly active: Row | undefined
  readonly opened: Row | undefined
  readonly selected: ReadonlySet<Row>
}

export const LIST_BEGIN: ListState = { active: undefined, opened: undefined, selected: new Set() }

export interface MessagesMemory {
  readonly reader: ScanReader
  /** How many there were so far, each of which has its number. */
  readings: number
  query?: Query
  asked?: Asked | undefined
  /** Of the reading with that number. */
  list?: { readonly number: number; readonly state: ListState }
}

const memories = new WeakMap<ConsoleSession, MessagesMemory>()

/** Whoever comes back there finds the list that was left. */
export function placeToReturnTo(session: ConsoleSession): Route {
  return memoryOf(session).asked?.route ?? { view: 'messages' }
}

export function memoryOf(session: ConsoleSession): MessagesMemory {
  const memory = memories.get(session) ?? { reader: new ScanReader(), readings: 0 }
  memories.set(session, memory)
  return memory
}
