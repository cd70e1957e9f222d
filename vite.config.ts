/**
 * Vite serves the demo page (index.html); Vitest runs the tests that need no browser.
 */
import { defineConfig } from 'vitest/config'

export default defineConfig({
  // The demo can be put under any path.
  base: './',
  build: { outDir: 'dist-demo' },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  worker: { format: 'es' },
  optimizeDeps: {
    // What only the worker imports would be found late, and finding it reloads every open page.
    entries: ['index.html', 'demo/broker/broker-worker.ts', 'worker/shared-worker.ts'],
    include: [
      'comlink',
      'idb',
      'msgpackr/index-no-eval',
      'preact',
      'preact/hooks',
      'preact/jsx-dev-runtime',
      'preact/jsx-runtime',
      'uplot',
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/browser/**'],
    environment: 'node',
    // One thread a core, and modules loaded once in each: there are many small files.
    pool: 'threads',
    maxWorkers: '100%',
    isolate: false,
    setupFiles: 'test/leaves-no-trace.ts',
    // Against hanging only: how fast a shared machine is says nothing about the code.
    testTimeout: 60_000,
  },
})
