/** How far groups have come, in words. */
import type { GroupDescription, GroupState } from '../../index.js'
import { formatDuration } from '../format/format.js'
import { Tag } from '../parts/facts.js'

export function groupLag({ offsets }: GroupDescription): number {
  return offsets.reduce((sum, { lag }) => sum + lag, 0)
}

/** How long it takes at this speed: what a log still gets meanwhile is not counted. */
export function drainText(lag: number, perSecond: number): string {
  if (lag === 0) return 'drained'
  return perSecond < 0.05 ? 'standing' : formatDuration((lag / perSecond) * 1_000)
}

export function StateTag({ state }: { readonly state: GroupState }) {
  const kinds = { stable: 'ok', reconciling: 'warn', empty: undefined } as const
  const kind = kinds[state]
  return <Tag {...(kind === undefined ? {} : { kind })}>{state}</Tag>
}
