/** The stylesheet's colours for a canvas, which knows no custom properties. */
import { TAB_COLOURS } from '../shell/tab-marks.js'

const NAMES = ['text', 'muted', 'line', 'sunken', 'panel', 'accent', 'none', 'warn'] as const

export type Palette = Readonly<Record<(typeof NAMES)[number], string>> & {
  /** By the tab's number; 0 for none. */
  readonly tab: (number: number | undefined) => string
}

export function readPalette(within: HTMLElement): Palette {
  const probe = document.createElement('i')
  probe.hidden = true
  within.append(probe)
  const resolved = (colour: string): string => {
    probe.style.color = colour
    return getComputedStyle(probe).color
  }
  const named = Object.fromEntries(NAMES.map((name) => [name, resolved(`var(--${name})`)]))
  const tabs = Array.from({ length: TAB_COLOURS }, (_, index) => {
    probe.dataset['colour'] = String(index + 1)
    return resolved('var(--tab)')
  })
  probe.remove()
  const none = named['none'] ?? 'gray'
  return {
    ...(named as Record<(typeof NAMES)[number], string>),
    tab: (number) => (number === undefined ? none : (tabs[(number - 1) % TAB_COLOURS] ?? none)),
  }
}
