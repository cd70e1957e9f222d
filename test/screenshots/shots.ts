/** How a picture is taken: each view in both themes, narrow and wide. */
import { fileURLToPath } from 'node:url'
import type { BrowserContext, Page, test } from '@playwright/test'

const folder = fileURLToPath(new URL('../../screenshots/', import.meta.url))

export interface Shot {
  /** Of the file, and of the test. */
  readonly name: string
  /** Where the page is. */
  readonly path: string
  /** What is done there before the picture is taken; it waits until all that is to be seen is there. */
  readonly prepare: (page: Page) => Promise<void>
  /** Rather than 800. */
  readonly heightOfWide?: number
}

const SIZES = [
  [390, 844],
  [1280, 800],
] as const

/**
 * One test for each view. `seed` fills a broker, from a page of its own that stays open; every view has a
 * context, and so a broker, to itself.
 */
export function shoot(
  take: typeof test,
  set: string,
  shots: readonly Shot[],
  seed: (context: BrowserContext) => Promise<unknown>,
): void {
  take.describe.configure({ timeout: 120_000 })
  for (const { name, path, prepare, heightOfWide } of shots) {
    take(`${set}-${name}`, async ({ context }) => {
      await seed(context)
      for (const [width, height] of SIZES) {
        for (const colorScheme of ['light', 'dark'] as const) {
          const page = await context.newPage()
          const isWide = width > 1_000
          await page.setViewportSize({ width, height: isWide ? (heightOfWide ?? height) : height })
          await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
          await page.goto(path)
          await prepare(page)
          await page.screenshot({ path: `${folder}${set}-${name}-${width}-${colorScheme}.png` })
          await page.close()
        }
      }
    })
  }
}
