/**
 * The browser tests: a real Chromium against Vite's dev server, one test at a time, because each
 * has several tabs and the tests look at what happens when one of them stalls or dies.
 */
import { fileURLToPath } from 'node:url'
import { defineConfig } from '@playwright/test'
import { findChromium } from '../../scripts/find-chromium.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** Another one lets two runs go on side by side. */
const port = process.env['TABMQ_TEST_PORT'] ?? '5199'
const address = `http://localhost:${port}`
const executablePath = findChromium()

export default defineConfig({
  testDir: '.',
  outputDir: '../../test-results',
  workers: 1,
  retries: 0,
  forbidOnly: process.env['CI'] !== undefined,
  reporter: 'list',
  timeout: 60_000,
  expect: { timeout: 10_000 },
  use: {
    baseURL: address,
    browserName: 'chromium',
    headless: true,
    launchOptions: {
      ...(executablePath !== undefined && { executablePath }),
      chromiumSandbox: false,
      args: [
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-quic',
        '--disable-sync',
        '--no-first-run',
      ],
    },
  },
  webServer: {
    command: `node node_modules/vite/bin/vite.js --port ${port} --strictPort --mode browser-test`,
    cwd: root,
    url: address,
    reuseExistingServer: false,
    timeout: 60_000,
  },
})
