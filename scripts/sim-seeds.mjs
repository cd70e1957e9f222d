/** One process of scripts/sim.mjs: runs the seeds that it is given, and reports each. */
import { join } from 'node:path'
import { runnerImport } from 'vite'
import { root } from './run.mjs'

/**
 * What is used of test/sim/simulate.ts, whose own types need the browser's.
 * @typedef {{
 *   events: number, virtualMs: number, healMs: number | undefined, messages: number,
 *   handled: number, shareHandled: number, faults: Record<string, number>,
 * }} Stats
 * @typedef {{ options: object, trace: string[], violations: object[], stats: Stats }} Result
 * @typedef {{ overrides: object, keepsTrace: boolean, checkers?: string[] }} Options
 * @typedef {{
 *   simulate: (seed: number, options: Options) => Promise<Result>,
 *   describeFailure: (result: Result, lines: number) => string,
 * }} Simulator
 *
 * @typedef {{
 *   seeds: number[], plant?: string, checkers?: string[], keepsTrace: boolean, lines: number,
 * }} Work
 * @typedef {{ seed: number, failure?: string, trace?: string, stats: Stats }} SeedReport
 */
/** @type {Promise<{ module: Simulator }>} */
const imported = runnerImport(join(root, 'test/sim/simulate.ts'), {
  root,
  configFile: false,
  logLevel: 'error',
})

/**
 * @param {number} seed
 * @param {Work} work
 * @returns {Promise<SeedReport>}
 */
async function run(seed, { plant, checkers, keepsTrace, lines }) {
  const { simulate, describeFailure } = (await imported).module
  const overrides = plant === undefined ? {} : { plant }
  const heard = checkers === undefined ? {} : { checkers }
  const result = await simulate(seed, { overrides, keepsTrace, ...heard })
  const { trace, options, stats, violations } = result
  const whole = [...trace, JSON.stringify(options), JSON.stringify(stats)].join('\n')
  return {
    seed,
    stats,
    ...(violations.length > 0 ? { failure: describeFailure(result, lines) } : {}),
    ...(keepsTrace ? { trace: whole } : {}),
  }
}

process.on('message', (/** @type {Work} */ work) => {
  void (async () => {
    for (const seed of work.seeds) process.send?.(await run(seed, work))
    process.send?.('done')
  })()
})
