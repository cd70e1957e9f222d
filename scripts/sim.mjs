/**
 * Runs the simulator over many seeds: `npm run sim -- --seeds 500 --seed 1`. Prints each seed that
 * failed with what is needed to look into it, and how many seeds a minute there were.
 *
 *   --seed N    the first seed, or the only one with --trace   (1)
 *   --seeds N   how many                                       (100)
 *   --plant X   a planted bug, by its name in test/sim/plants.ts
 *   --checker X hears only this checker; may be repeated
 *   --trace     the whole trace of the first seed
 *   --keep      goes on after a seed failed
 *   --slow MS   names the seeds that took longer than this to heal
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runnerImport } from 'vite'
import { root } from './run.mjs'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '100' },
    plant: { type: 'string' },
    checker: { type: 'string', multiple: true },
    trace: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    slow: { type: 'string' },
  },
})

/**
 * What is used of test/sim/simulate.ts, whose own types need the browser's.
 * @typedef {{ events: number, virtualMs: number, healMs: number | undefined }} Stats
 * @typedef {{ options: object, trace: string[], violations: object[], stats: Stats }} Result
 * @typedef {{ overrides: object, keepsTrace: boolean, checkers?: string[] }} Options
 * @typedef {{
 *   simulate: (seed: number, options: Options) => Promise<Result>,
 *   describeFailure: (result: Result, lines: number) => string,
 * }} Simulator
 */
/** @type {{ module: Simulator }} */
const { module } = await runnerImport(join(root, 'test/sim/simulate.ts'), {
  root,
  configFile: false,
  logLevel: 'error',
})
const { simulate, describeFailure } = module

const first = Number(values.seed)
const count = values.trace ? 1 : Number(values.seeds)
const overrides = values.plant === undefined ? {} : { plant: values.plant }
const startMs = performance.now()
/** @type {number[]} */
const failed = []
let events = 0
let virtualMs = 0
let healMsMax = 0
let ran = 0
for (let seed = first; seed < first + count; seed++) {
  const result = await simulate(seed, {
    overrides,
    keepsTrace: values.trace,
    ...(values.checker === undefined ? {} : { checkers: values.checker }),
  })
  ran += 1
  events += result.stats.events
  virtualMs += result.stats.virtualMs
  healMsMax = Math.max(healMsMax, result.stats.healMs ?? 0)
  if (values.slow !== undefined && (result.stats.healMs ?? 0) > Number(values.slow)) {
    console.log(`seed ${seed} healed after ${result.stats.healMs} ms`)
  }
  if (values.trace) {
    console.log(result.trace.join('\n'))
    console.log(JSON.stringify(result.options))
    console.log(JSON.stringify(result.stats))
  }
  if (result.violations.length === 0) continue
  failed.push(seed)
  console.log(describeFailure(result, values.keep ? 0 : 60))
  if (!values.keep) break
}
const seconds = (performance.now() - startMs) / 1000
console.log(
  `${ran} seeds in ${seconds.toFixed(1)} s: ${Math.round((ran / seconds) * 60)} a minute, ` +
    `${Math.round(events / ran)} events and ${Math.round(virtualMs / ran / 1000)} virtual seconds each, ` +
    `healed within ${healMsMax} ms`,
)
console.log(failed.length === 0 ? 'none failed' : `failed: ${failed.join(', ')}`)
process.exitCode = failed.length === 0 ? 0 : 1
