/**
 * Vite serves the demo page (index.html) and, in tests, the pages of the browser tests; Vitest runs
 * the tests that need no browser.
 */
import { defineConfig, type ViteUserConfig } from 'vitest/config'

/**
 * The browser tests' server: what is edited meanwhile must not reload a page in the middle. Nor must
 * Vite's own client, which does it when a page that was frozen finds its connection gone.
 */
const browserTest: ViteUserConfig = {
  server: {
    watch: null,
    hmr: false,
    // The offline test's service worker answers for the SharedWorker's script, too.
    headers: { 'Service-Worker-Allowed': '/' },
  },
  plugins: [
    {
      name: 'pages-without-vite-client',
      transformIndexHtml: {
        order: 'post',
        handler: (html, { path }) =>
          path.startsWith('/test/browser/pages/')
            ? html.replace(/<script type="module" src="\/@vite\/client"><\/script>/, '')
            : html,
      },
    },
  ],
}

export default defineConfig(({ mode }) => ({
  ...(mode === 'browser-test' ? browserTest : {}),
  // The demo can be put under any path.
  base: './',
  build: { outDir: 'dist-demo' },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  worker: { format: 'es' },
  optimizeDeps: {
    // What only the worker imports would be found late, and finding it reloads every open page.
    entries: [
      'index.html',
      'demo/broker/broker-worker.ts',
      'worker/shared-worker.ts',
      'test/browser/pages/*.html',
    ],
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
}))
