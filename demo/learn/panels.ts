/** The parts of the stage that steps point at: marks them, and brings them into sight. */
export type PanelName =
  | 'checker'
  | 'tabs'
  | 'logs'
  | 'charts'
  | 'rebalances'
  | 'broker'
  | 'queue'
  | 'outbox'
  | 'group'

interface PanelPlace {
  readonly title: string
  readonly selector: string
}

export const PANELS: Readonly<Record<PanelName, PanelPlace>> = {
  checker: { title: 'Checker', selector: '#checker' },
  tabs: { title: 'Tabs', selector: '.tabs-panel' },
  logs: { title: 'Partitions', selector: '.logs-panel' },
  charts: { title: 'Charts', selector: '.charts' },
  rebalances: { title: 'Rebalances', selector: '.timeline-panel' },
  broker: { title: 'Broker', selector: '.broker-panel' },
  queue: { title: 'Queue', selector: '.queue-panel' },
  outbox: { title: 'Outbox', selector: '.outbox-panel' },
  group: { title: 'Group and topic', selector: '.group-panel' },
}

const MARK = 'data-pointed-at'

/** Marks them; returns a function that takes the marks away. */
export function pointAt(names: readonly PanelName[]): () => void {
  const found = names.flatMap((name) => elementOf(name) ?? [])
  for (const element of found) element.setAttribute(MARK, '')
  return () => {
    for (const element of found) element.removeAttribute(MARK)
  }
}

/** As far as the reader wants motion. What is in sight stays where it is. */
export function bringIntoSight(element: Element): void {
  if (isInSight(element)) return
  const isCalm = matchMedia('(prefers-reduced-motion: reduce)').matches
  element.scrollIntoView({ block: 'start', behavior: isCalm ? 'instant' : 'smooth' })
}

/** Scrolls to it and gives it the focus, so that the keyboard goes on from there. */
export function goTo(name: PanelName): void {
  const element = elementOf(name)
  if (element === undefined) return
  element.setAttribute('tabindex', '-1')
  element.focus({ preventScroll: true })
  bringIntoSight(element)
}

export function elementOf(name: PanelName): HTMLElement | undefined {
  return document.querySelector<HTMLElement>(PANELS[name].selector) ?? undefined
}

/** Between what stays at the top of the window and its lower edge. */
function isInSight(element: Element): boolean {
  const { top, bottom } = element.getBoundingClientRect()
  const bar = document.querySelector('.sticky')
  const isSticky = bar !== null && getComputedStyle(bar).position === 'sticky'
  const from = isSticky ? bar.getBoundingClientRect().bottom : 0
  return element.contains(bar) || (top >= from - 1 && bottom <= innerHeight + 1)
}

const SCROLLING_MS = 800
const SCROLL_KEYS = new Set(['PageDown', 'PageUp', 'ArrowDown', 'ArrowUp', 'Home', 'End', ' '])

/** Whether the reader scrolls: what is scrolled for them then would be pulled out of their hands. */
export class ReaderScrolls {
  readonly #listening = new AbortController()
  #lastMs = -Infinity

  constructor() {
    const { signal } = this.#listening
    const note = () => {
      this.#lastMs = performance.now()
    }
    addEventListener('wheel', note, { passive: true, signal })
    addEventListener('touchmove', note, { passive: true, signal })
    const noteKey = ({ key, target }: KeyboardEvent) => {
      const isPressed = key === ' ' && target instanceof HTMLButtonElement
      if (SCROLL_KEYS.has(key) && !isPressed) note()
    }
    addEventListener('keydown', noteKey, { signal })
  }

  get isNow(): boolean {
    return performance.now() - this.#lastMs < SCROLLING_MS
  }

  close(): void {
    this.#listening.abort()
  }
}
