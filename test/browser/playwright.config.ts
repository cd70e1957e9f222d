/**
 * The browser tests: a real Chromium against pages that are built first. Three run side by side, since most
 * of a test is waiting. Each has a browser context of its own, and so a broker and a disk of its own.
 */
import { join } from 'node:path'
import { defineConfig } from '@playwright/test'
import { findChromium } from '../../scripts/find-chromium.mjs'
import { CHROMIUM_ARGS } from '../chromium-args.js'

/** Another one lets two runs go on side by side. */
const port = process.env['TABMQ_TEST_PORT'] ?? '5199'
export const address = `http://localhost:${port}`
const DEMO = 'demo*.spec.ts'
const executablePath = findChromium()

export default defineConfig({
  testDir: '.',
  globalSetup: join(import.meta.dirname, 'open-pages.ts'),
  outputDir: '../../test-results',
  workers: 3,
  retries: 0,
  forbidOnly: process.env['CI'] !== undefined,
  reporter: 'list',
  timeout: 60_000,
  expect: { timeout: 20_000 },
  projects: [
    // The tests of a file one after the other: some have a browser or a site in common.
    { name: 'broker', testIgnore: DEMO },
    { name: 'demo', testMatch: DEMO, fullyParallel: true },
  ],
  use: {
    baseURL: address,
    browserName: 'chromium',
    headless: true,
    launchOptions: {
      ...(executablePath !== undefined && { executablePath }),
      chromiumSandbox: false,
      args: [...CHROMIUM_ARGS],
    },
  },
})
