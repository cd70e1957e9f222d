/**
 * Tells the stylesheet how high the bar at the top is, so that what gets the focus is scrolled to a
 * place below it.
 */
export function watchStickyHeight(bar: HTMLElement): void {
  new ResizeObserver(() => {
    document.documentElement.style.setProperty('--sticky-height', `${bar.offsetHeight}px`)
  }).observe(bar)
}
