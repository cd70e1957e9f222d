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

/**
 * Notes whether this tab was opened by another, and takes the mark out of its address: whoever opens that
 * address elsewhere has opened a tab of their own.
 */
export function readMark(): void {
  if (location.search !== `?${MARK}`) return
  sessionStorage.setItem(STORAGE_KEY, 'yes')
  history.replaceState(history.state, '', location.pathname + location.hash)
}

/** Whether this tab was opened by another, which may close it then; kept over reloads. */
export function wasOpenedByPage(): boolean {
  return sessionStorage.getItem(STORAGE_KEY) === 'yes'
}

/** One that stays, as a tab does that was duplicated by hand, is not asked again. */
export function closeThisTab(): void {
  window.close()
  if (!window.closed) sessionStorage.removeItem(STORAGE_KEY)
}
