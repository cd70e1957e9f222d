/** What keeps people out, as axe finds it in what is on a page now. */
import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from '@playwright/test'

export interface AxeScope {
  /** A selector; what is outside is left out. */
  readonly part: string
  /** All when absent. */
  readonly rules?: readonly string[]
}

export async function seriousViolations(page: Page, { part, rules }: AxeScope): Promise<unknown[]> {
  // In the page itself, which has no frames: else a second page is opened each time to put parts together.
  const axe = new AxeBuilder({ page }).setLegacyMode().include(part)
  axe.options({ resultTypes: ['violations'] })
  if (rules !== undefined) axe.withRules([...rules])
  const { violations } = await axe.analyze()
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => ({ id, nodes: nodes.map(({ html, target }) => ({ html, target })) }))
}
