/** What components work with: the demo, and what its buttons do. */
import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { Actions } from './actions.js'
import type { Progress } from '../learn/progress.js'
import type { PutBack } from '../learn/put-back.js'
import type { Demo } from './demo.js'
import type { Router } from './route.js'
import type { Theme } from './theme.js'

export interface Parts {
  readonly demo: Demo
  readonly actions: Actions
  readonly router: Router
  readonly theme: Theme
  readonly progress: Progress
  readonly putBack: PutBack
}

export const PartsContext = createContext<Parts | undefined>(undefined)

/** For components that are drawn only once there is a demo. */
export function useParts(): Parts {
  const parts = useContext(PartsContext)
  if (parts === undefined) throw new Error('there is no demo yet')
  return parts
}
