/**
 * The sites of the browser tests, built once for all: a development server would give each new context some
 * two hundred modules one by one, which takes longer than most tests.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'vite'
import { openBuiltSite, openPreview, ROOT } from '../built-site.js'
import { DEMO_ADDRESS } from './demo-site.js'
import { address } from './playwright.config.js'

const PAGES = ['client', 'console', 'empty', 'hostile', 'storage-contract']
const DEMO_PATH = '/some/where/'
const DEMO_PORT = 5_300

// oxlint-disable-next-line import/no-default-export -- Playwright asks for it
export default async function openPages(): Promise<() => Promise<void>> {
  const sites = await Promise.all([openClientPages(), openDemo()])
  return async () => {
    await Promise.all(sites.map((site) => site.close()))
  }
}

async function openClientPages() {
  const { port, origin } = new URL(address)
  const site = await openBuiltSite({
    inputs: [
      ...PAGES.map((name) => `test/browser/pages/${name}.html`),
      'test/browser/pages/offline-worker.ts',
    ],
    port: Number(port),
    minify: false,
  })
  if (site.origin !== origin) {
    await site.close()
    throw new Error(`port ${port} is taken`)
  }
  return site
}

/** As `npm run build:demo` makes it, at a path that is not the root of its host. */
async function openDemo() {
  const outDir = mkdtempSync(join(tmpdir(), 'tabmq-demo-'))
  const config = { root: ROOT, logLevel: 'error' } as const
  await build({ ...config, build: { outDir, emptyOutDir: true } })
  const server = await openPreview({
    ...config,
    base: DEMO_PATH,
    build: { outDir },
    preview: { port: DEMO_PORT, strictPort: false },
  })
  process.env[DEMO_ADDRESS] = new URL(DEMO_PATH, server.address).href
  return {
    async close() {
      await server.close()
      rmSync(outDir, { recursive: true, force: true })
    },
  }
}
