/**
 * Vite serves the demo page (index.html) and, in tests, the pages of the browser tests; Vitest runs
 * the tests that need no browser.
 */
import { defineConfig } from 'vitest/config'

export default defineConfig(({ mode }) => ({
  // The browser tests' server: what is edited meanwhile must not reload a page in the middle.
  ...(mode === 'browser-test' ? { server: { watch: null, hmr: false } } : {}),
  // The demo can be put under any path.
  base: './',
  build: { outDir: 'dist-demo' },
  worker: { format: 'es' },
  optimizeDeps: {
    // What only the worker imports would be found late, and finding it reloads every open page.
    entries: ['index.html', 'worker/shared-worker.ts', 'test/browser/pages/*.html'],
    include: ['comlink', 'idb', 'msgpackr/index-no-eval'],
  },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/browser/**'],
    environment: 'node',
    // Against hanging only: how fast a shared machine is says nothing about the code.
    testTimeout: 60_000,
  },
}))
