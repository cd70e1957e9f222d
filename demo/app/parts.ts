/** What components work with: the demo, and what its buttons do. */
import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { Actions } from './actions.js'
import type { Demo } from './demo.js'

export interface Parts {
  readonly demo: Demo
  readonly actions: Actions
}

export const PartsContext = createContext<Parts | undefined>(undefined)

/** For components that are drawn only once there is a demo. */
export function useParts(): Parts {
  const parts = useContext(PartsContext)
  if (parts === undefined) throw new Error('there is no demo yet')
  return parts
}
