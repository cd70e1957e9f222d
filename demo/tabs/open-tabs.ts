/**
 * Opens tabs of this page. They get no hold on the one that opened them, so that the browser gives each a
 * process of its own; and so nobody is told whether one was blocked, but by its coming.
 */
const MARK = 'opened-by-page'
const STORAGE_KEY = 'tabmq-demo-opened-by-page'

export function openTab(): void {
  const address = new URL(location.href)
  address.search = `?${MARK}`
  address.hash = ''
  window.open(address, '_blank', 'noopener')
}

/** Whether this tab was opened by another, which may close it then; kept over reloads. */
export function wasOpenedByPage(): boolean {
  if (location.search === `?${MARK}`) sessionStorage.setItem(STORAGE_KEY, 'yes')
  return sessionStorage.getItem(STORAGE_KEY) === 'yes'
}
