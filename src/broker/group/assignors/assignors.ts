/** The assignors by the names that members ask for them with. */
import type { AssignorName } from '../../../protocol/requests/groups.js'
import type { Assignor } from './assignor.js'
import { assignBalanced } from './balanced.js'
import { assignRange } from './range.js'
import { assignRoundRobin } from './round-robin.js'

export const ASSIGNORS: Readonly<Record<AssignorName, Assignor>> = {
  uniform: assignBalanced,
  range: assignRange,
  roundrobin: assignRoundRobin,
  sticky: assignBalanced,
}
