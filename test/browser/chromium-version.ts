import type { Browser } from '@playwright/test'

/** Up to which one test or another was seen to fail for what the browser does; 156 does it no more. */
const OLD = 150

export function isOld(browser: Browser): boolean {
  return Number.parseInt(browser.version(), 10) <= OLD
}
