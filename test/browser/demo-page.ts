/** The demo as a test drives it: what a reader clicks, and what the page shows. */
import { expect, type BrowserContext, type Page } from '@playwright/test'
import type { Tabmq } from '../../src/index.js'

declare global {
  /** What the page leaves there for the developer tools. */
  var tabmq: Tabmq
}

export type Counter = 'sent' | 'handled' | 'waiting' | 'lost' | 'twice' | 'outOfOrder'

export class DemoPage {
  readonly page: Page

  /** Opens one more tab; resolves when its worker has joined the group. */
  static async open(context: BrowserContext): Promise<DemoPage> {
    const demo = new DemoPage(await context.newPage())
    await demo.page.goto('.')
    await demo.expectReady()
    return demo
  }

  constructor(page: Page) {
    this.page = page
  }

  async expectReady(): Promise<void> {
    await expect(this.page.locator('.lane')).toHaveCount(6)
    await expect(this.page.locator('#tab-state')).toHaveText(/idle|working/)
  }

  async expectTabs(count: number): Promise<void> {
    await expect(this.page.locator('#tabs > .tab:not([data-presence=gone])')).toHaveCount(count)
    await expect(this.page.locator('#broker-group')).toHaveText('stable')
  }

  async expectCounts(counts: Partial<Record<Counter, number>>): Promise<void> {
    for (const [name, value] of Object.entries(counts)) {
      const counter = this.page.locator(`[data-counter="${name}"]`)
      await expect(counter, name).toHaveAttribute('data-value', String(value), { timeout: 20_000 })
    }
  }

  async expectHandledOver(least: number): Promise<void> {
    await expect
      .poll(() => this.count('handled'), { timeout: 20_000, intervals: [50] })
      .toBeGreaterThan(least)
  }

  async count(name: Counter): Promise<number> {
    const value = await this.page.locator(`[data-counter="${name}"]`).getAttribute('data-value')
    return Number(value ?? '0')
  }

  /** Of each partition, the tab that it belongs to. */
  async owners(): Promise<string[]> {
    return this.page
      .locator('.lane')
      .evaluateAll((lanes) => lanes.map((lane) => lane.getAttribute('data-owner') ?? ''))
  }

  /** How many messages this page has handled since it was loaded. */
  async handledHere(): Promise<number> {
    const text = await this.page.locator('#tab-handled').textContent()
    return Number(text?.replaceAll(',', ''))
  }

  async setWorkMs(ms: number): Promise<void> {
    await this.page.getByLabel('Work per message').fill(String(ms))
  }

  /** Drops a file on the page. */
  async drop(name: string, content: string | readonly number[]): Promise<void> {
    const dataTransfer = await this.page.evaluateHandle(
      ({ name, content }) => {
        const part = typeof content === 'string' ? content : new Uint8Array(content)
        const transfer = new DataTransfer()
        transfer.items.add(new File([part], name))
        return transfer
      },
      { name, content },
    )
    await this.page.dispatchEvent('body', 'drop', { dataTransfer })
  }

  async expectMessage(text: RegExp): Promise<void> {
    await expect(this.page.locator('.message').filter({ hasText: text })).toHaveCount(1)
  }

  async expectNoMessage(text: RegExp): Promise<void> {
    await expect(this.page.locator('.message').filter({ hasText: text })).toHaveCount(0)
  }

  /** Ends the page as a fault in the browser would: without a last word. */
  async crash(): Promise<void> {
    const debug = await this.page.context().newCDPSession(this.page)
    const crashed = this.page.waitForEvent('crash')
    void debug.send('Page.crash').catch(() => {})
    await crashed
  }

  async send({ key, value }: { key: string; value: string }): Promise<void> {
    await this.page.locator('#produce-key').fill(key)
    await this.page.locator('#produce-value').fill(value)
    await this.page.getByRole('button', { name: 'Send', exact: true }).click()
  }

  async click(name: string): Promise<void> {
    await this.page.getByRole('button', { name, exact: true }).click()
  }
}

/** A group as the broker itself describes it, asked past all that the page shows. */
export function groupOf(page: Page, groupId: string) {
  return page.evaluate(async (id) => (await tabmq.admin().describeGroups([id]))[0], groupId)
}
