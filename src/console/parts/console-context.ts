/** What every view works with, whatever its place in the tree. */
import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { ClusterState, Tabmq } from '../../index.js'
import type { Arrival, Route, Visit } from '../route.js'
import { inNaturalOrder } from './natural-order.js'
import type { ConsoleSession, SessionState } from '../session/console-session.js'

export interface ConsoleParts {
  readonly session: ConsoleSession
  readonly state: SessionState
  readonly route: Route
  readonly visit: Visit
  /** By a link, unless it says otherwise. */
  readonly go: (route: Route, arrival?: Arrival) => void
  /** Whether the reader still is at this visit, whenever it is asked: the next one may not be drawn yet. */
  readonly isHere: () => boolean
  /**
   * What writes go through: absent in a console that is read-only, so that there is no way to write that
   * a view could forget to hide.
   */
  readonly writer: Tabmq | undefined
  /** Says at the edge of the console what was done. */
  readonly notify: (text: string) => void
}

export const ConsoleContext = createContext<ConsoleParts | undefined>(undefined)

export function useConsole(): ConsoleParts {
  const parts = useContext(ConsoleContext)
  if (parts === undefined) throw new Error('outside of a console')
  return parts
}

/** For views, which are shown only while there is a state. All that has a name is in the order of names. */
export function useCluster(): ClusterState {
  const { cluster } = useConsole().state
  if (cluster === undefined) throw new Error('no state yet')
  return inNaturalOrder(cluster)
}
