/**
 * Measures all figures in one browser, the contenders of each in turn, round by round: machines
 * differ, and differ from one minute to the next, so only what was measured side by side compares.
 */
import { BenchBrowser } from './bench-browser.js'
import { BROKER, FIGURES, p50, type Contender, type Figure, type Parts } from './figures.js'
import type { Profile } from './profile.js'
import type { Result } from './results.js'
import { FULL, QUICK } from './scale.js'
import { openSite, sizes } from './site.js'

export { describeResults, jsonLines, markdownTable } from './results.js'
export { plotOf } from './plot.js'
export { describeProfile } from './profile.js'

export interface BenchOptions {
  readonly isQuick: boolean
  /** Only these, by their names; all when there is none. */
  readonly only: readonly string[]
  readonly say: (text: string) => void
  /** Instead of the figures: profiles of tabmq's part in them. */
  readonly onProfile?: (name: string, profile: Profile) => void
}

export async function runBench(options: BenchOptions): Promise<Result[]> {
  const { isQuick, only, say, onProfile } = options
  const unknown = only.filter((name) => FIGURES.every((figure) => figure.name !== name))
  if (unknown.length > 0) throw new Error(`there is no figure ${unknown.join(', ')}`)
  const site = await openSite({ isReadable: onProfile !== undefined })
  const browser = await BenchBrowser.start(site.origin)
  try {
    const scale = isQuick ? QUICK : FULL
    const startBrowser = () => BenchBrowser.start(site.origin)
    const parts: Parts = { browser, tab: await browser.openTab(), startBrowser, scale, sizes }
    const startMs = performance.now()
    const results: Result[] = []
    for (const figure of FIGURES) {
      if (only.length > 0 && !only.includes(figure.name)) continue
      if (onProfile !== undefined) {
        await profile(figure, parts, onProfile)
        continue
      }
      const result = await measure(figure, parts)
      results.push(result)
      const seconds = Math.round((performance.now() - startMs) / 1_000)
      const values = result.contenders.map(({ value }) => value.toPrecision(4))
      say(`${seconds} s: ${figure.name} ${values.join(', ')}`)
    }
    return results
  } finally {
    await browser.close()
    await site.close()
  }
}

/** Of one round, after one to warm up. */
async function profile(
  figure: Figure,
  parts: Parts,
  onProfile: (name: string, profile: Profile) => void,
): Promise<void> {
  const { contenders, close } = await figure.prepare(parts)
  const [{ measure: run }] = contenders
  await run()
  const profiles = await parts.browser.profile(BROKER, parts.tab, run)
  onProfile(`${figure.name}-worker`, profiles.worker)
  onProfile(`${figure.name}-tab`, profiles.tab)
  await close?.()
}

async function measure(figure: Figure, parts: Parts): Promise<Result> {
  const prepared = await figure.prepare(parts)
  const { contenders, rounds = parts.scale.rounds, isWarm = false } = prepared
  const values = new Map<Contender, number[]>(contenders.map((one) => [one, []]))
  try {
    // The first round warms up.
    for (let round = isWarm ? 1 : 0; round <= rounds; round++) {
      for (const contender of contenders) {
        const value = await contender.measure()
        if (round > 0) values.get(contender)?.push(value)
      }
    }
    const { name, what, unit, target } = figure
    return {
      name,
      what,
      unit,
      target,
      note: prepared.note?.() ?? '',
      contenders: contenders.map((contender) => ({
        name: contender.name,
        guarantee: contender.guarantee,
        value: p50(values.get(contender) ?? []),
        all: values.get(contender) ?? [],
      })),
    }
  } finally {
    await prepared.close?.()
  }
}
