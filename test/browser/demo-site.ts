/** Tests of the demo, which `open-pages.ts` has built and serves. */
import { test as base } from '@playwright/test'
import { definedOrThrow } from '../../src/std/assert.js'

/** The variable that says where it is, with a slash at its end. */
export const DEMO_ADDRESS = 'TABMQ_TEST_DEMO'

export const test = base.extend({
  /** `page.goto('.')` is the demo. */
  // oxlint-disable-next-line no-empty-pattern
  baseURL: async ({}, use) => {
    await use(definedOrThrow(process.env[DEMO_ADDRESS], () => 'the demo was not built'))
  },
  /** Most of what a tab does would be moving what no test looks at, and headless tabs are all in sight. */
  contextOptions: async ({ contextOptions }, use) => {
    await use({ ...contextOptions, reducedMotion: 'reduce' })
  },
})

export { expect } from '@playwright/test'
