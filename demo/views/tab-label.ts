/** A tab's name in its colour: the same wherever it is shown, and never the colour alone. */
import type { TabName } from '../cluster/cluster-view.js'
import { setAttribute, setText } from '../dom.js'

const COLOURS = 8
const PATTERNS = 3

export function showTabLabel(element: HTMLElement, name: TabName | undefined): void {
  setText(element, name?.text ?? 'nobody')
  markWithTab(element, name)
}

/** Gives an element the tab's colour, and its pattern: the ninth tab has the first one's colour. */
export function markWithTab(element: HTMLElement, name: TabName | undefined): void {
  setAttribute(element, 'data-colour', colourOf(name))
  setAttribute(element, 'data-pattern', patternOf(name))
}

/** One of eight, by the tab's number; the stylesheet knows them. */
function colourOf(name: TabName | undefined): string {
  if (name?.number === undefined) return 'none'
  return String(((name.number - 1) % COLOURS) + 1)
}

/** Plain, striped or dotted. Undefined where there is no tab. */
function patternOf(name: TabName | undefined): string | undefined {
  if (name?.number === undefined) return undefined
  return String((Math.floor((name.number - 1) / COLOURS) % PATTERNS) + 1)
}
