/** The pictures are taken like browser tests, of the same server. */
import { defineConfig } from '@playwright/test'
import browserTests from '../browser/playwright.config.js'

export default defineConfig({
  ...browserTests,
  testDir: '.',
  projects: [{ name: 'pictures', testMatch: '*.shots.ts' }],
  outputDir: '../../test-results/screenshots-run',
})
