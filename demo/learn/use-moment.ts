/** The page at one moment, as steps look at it; drawn again when any of it changes. */
import type { Demo } from '../app/demo.js'
import { useCell } from '../app/use-cell.js'
import type { Moment } from './scenario.js'

export function useMoment(demo: Demo): Moment {
  return {
    ...useCell(demo.shown),
    tab: demo.identity.number,
    isFlowing: useCell(demo.generator.isOn),
    workMs: useCell(demo.workMs.cell),
    membership: useCell(demo.membership.cell),
    isSecondOn: useCell(demo.secondGroup.isOn),
    isOnline: useCell(demo.outbox.isOnline),
    picked: useCell(demo.picked),
  }
}
