/** The attributes that give an element a tab's colour and pattern; the stylesheet knows them. Pure. */
import type { TabName } from '../cluster/cluster-view.js'

export const TAB_COLOURS = 8
const PATTERNS = 3

/** The ninth tab has the first one's colour, with stripes. */
export function tabMarks(name: TabName | undefined): {
  'data-colour': string
  'data-pattern'?: string
} {
  if (name?.number === undefined) return { 'data-colour': 'none' }
  const index = name.number - 1
  return {
    'data-colour': String((index % TAB_COLOURS) + 1),
    'data-pattern': String((Math.floor(index / TAB_COLOURS) % PATTERNS) + 1),
  }
}
