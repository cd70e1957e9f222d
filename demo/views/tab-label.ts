/** A tab's name in its colour: the same wherever it is shown, and never the colour alone. */
import type { TabName } from '../cluster/cluster-view.js'
import { setAttribute, setText } from '../dom.js'

const COLOURS = 8

export function showTabLabel(element: HTMLElement, name: TabName | undefined): void {
  setText(element, name?.text ?? 'nobody')
  setAttribute(element, 'data-colour', colourOf(name))
}

/** One of eight, by the tab's number; the stylesheet knows them. */
export function colourOf(name: TabName | undefined): string {
  if (name?.number === undefined) return 'none'
  return String(((name.number - 1) % COLOURS) + 1)
}
