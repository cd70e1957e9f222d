/**
 * Who this tab is: the lowest number that no other tab has. A Web Lock holds it, so two tabs never
 * share one, not even when the browser duplicates a tab with its session storage. A reloaded tab
 * gets its number again.
 */
const STORAGE_KEY = 'tabmq-demo-tab'
const RELOAD_PATIENCE_MS = 500

export interface TabIdentity {
  readonly number: number
  /** Names this life of the tab: a reload begins another. */
  readonly run: string
}

export async function claimTabIdentity(): Promise<TabIdentity> {
  const number = (await claimFormerNumber()) ?? (await claimFreeNumber())
  sessionStorage.setItem(STORAGE_KEY, String(number))
  return { number, run: crypto.randomUUID().slice(0, 8) }
}

/** The client id under which the broker knows the tab. */
export function clientIdOf(number: number): string {
  return `tab-${number}`
}

/** The number in a client id; undefined when it is not one of the demo's tabs. */
export function tabNumberOf(clientId: string): number | undefined {
  const found = /^tab-(\d+)$/.exec(clientId)?.[1]
  return found === undefined ? undefined : Number(found)
}

async function claimFormerNumber(): Promise<number | undefined> {
  const former = Number(sessionStorage.getItem(STORAGE_KEY) ?? '0')
  if (!Number.isInteger(former) || former < 1) return undefined
  // The page before the reload may still be letting go of it.
  const patienceMs = wasReloaded() ? RELOAD_PATIENCE_MS : 0
  return (await tryToHold(former, patienceMs)) ? former : undefined
}

async function claimFreeNumber(): Promise<number> {
  for (let number = 1; ; number++) {
    if (await tryToHold(number, 0)) return number
  }
}

/** Holds the number until the page goes, unless another tab has it. */
function tryToHold(number: number, patienceMs: number): Promise<boolean> {
  const options: LockOptions =
    patienceMs > 0 ? { signal: AbortSignal.timeout(patienceMs) } : { ifAvailable: true }
  return new Promise((resolve) => {
    navigator.locks
      .request(`tabmq-demo:tab:${number}`, options, (lock) => {
        resolve(lock !== null)
        return lock === null ? undefined : new Promise(() => {})
      })
      .catch(() => resolve(false))
  })
}

function wasReloaded(): boolean {
  const [navigation] = performance.getEntriesByType('navigation')
  return navigation instanceof PerformanceNavigationTiming && navigation.type === 'reload'
}
