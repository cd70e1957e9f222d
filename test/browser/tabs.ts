/** Tabs with the client page, in the context that Playwright gives a test. */
import { expect, type BrowserContext, type Page } from '@playwright/test'

export async function openTab(context: BrowserContext, broker: string): Promise<Page> {
  const page = await context.newPage()
  await page.goto(`/test/browser/pages/client.html?broker=${broker}`)
  await page.waitForFunction(() => 'tab' in globalThis)
  return page
}

/** Waits until these tabs hold all of so many partitions between them, none of them twice. */
export async function expectShared(tabs: readonly Page[], partitions: number): Promise<void> {
  await expect
    .poll(async () => {
      const held = await Promise.all(tabs.map((page) => page.evaluate(() => tab.assignment())))
      const names = held.flat().map(({ topic, partition }) => `${topic} ${partition}`)
      const isEach = held.every((one) => one.length > 0)
      return isEach && names.length === partitions && new Set(names).size === partitions
    })
    .toBe(true)
}

/** Ends a tab as a fault in the browser would: without a last word. */
export async function crash(page: Page): Promise<void> {
  const debug = await page.context().newCDPSession(page)
  const crashed = page.waitForEvent('crash')
  void debug.send('Page.crash').catch(() => {})
  await crashed
}

/** The middle and the worst of some durations. */
export function summary(values: readonly number[]): { p50: number; worst: number } {
  const sorted = values.toSorted((a, b) => a - b)
  return {
    p50: sorted[Math.floor(sorted.length / 2)] ?? Number.NaN,
    worst: sorted.at(-1) ?? Number.NaN,
  }
}
