/**
 * The pages of the browser tests, built once for all: a development server would give each new context some
 * two hundred modules one by one, which takes longer than most tests.
 */
import { openBuiltSite } from '../built-site.js'
import { address } from './playwright.config.js'

const PAGES = ['client', 'console', 'empty', 'hostile', 'storage-contract']

// oxlint-disable-next-line import/no-default-export -- Playwright asks for it
export default async function openPages(): Promise<() => Promise<void>> {
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
  return () => site.close()
}
