/** What every Chromium of the tests is told, however it is started. */

/**
 * The lists under the address bar are pages of their own, two for each window: to load them takes longer
 * than most of what a test opens. Of several such switches Chromium heeds the last, so that this one replaces
 * Playwright's, which leaves out what a user's browser has.
 */
const NO_ADDRESS_LISTS = '--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup'

export const CHROMIUM_ARGS: readonly string[] = [
  NO_ADDRESS_LISTS,
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-quic',
  '--disable-sync',
  '--no-first-run',
]
