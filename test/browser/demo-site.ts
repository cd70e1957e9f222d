/**
 * The demo as `npm run build:demo` makes it, served from a path that is not the root of its host: once for
 * all tests of it. A page of it is there sooner than one that a development server puts together.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test as base } from '@playwright/test'
import { build } from 'vite'
import { openPreview, ROOT } from '../built-site.js'

const PATH = '/some/where/'
const PORT = 5_300

export interface DemoSite {
  /** With a slash at its end. */
  readonly address: string
}

export const test = base.extend<object, { demoSite: DemoSite }>({
  demoSite: [
    // oxlint-disable-next-line no-empty-pattern
    async ({}, use) => {
      const outDir = mkdtempSync(join(tmpdir(), 'tabmq-demo-'))
      const config = { root: ROOT, logLevel: 'error' } as const
      await build({ ...config, build: { outDir, emptyOutDir: true } })
      const server = await openPreview({
        ...config,
        base: PATH,
        build: { outDir },
        preview: { port: PORT, strictPort: false },
      })
      await use({ address: new URL(PATH, server.address).href })
      await server.close()
      rmSync(outDir, { recursive: true, force: true })
    },
    { scope: 'worker' },
  ],
  /** Most of what a tab does would be moving what no test looks at, and headless tabs are all in sight. */
  contextOptions: async ({ contextOptions }, use) => {
    await use({ ...contextOptions, reducedMotion: 'reduce' })
  },
  /** `page.goto('.')` is the demo. */
  baseURL: async ({ demoSite }, use) => {
    await use(demoSite.address)
  },
})

export { expect } from '@playwright/test'
