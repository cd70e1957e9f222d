/**
 * Chaos on a real browser: `npm run chaos -- --minutes 10 --seed 7`. Tabs send and handle under load
 * while tabs, the worker and the whole browser are closed, crashed, frozen and killed; then all of it
 * has to recover, and the checkers look at what was recorded. Prints what was done, what went wrong
 * and each anomaly, and ends with 1 when there is any.
 *
 * The seed draws what the tabs do and which faults strike in which order. Browsers take their own
 * time, so a run with the same seed is alike, and not the same event by event.
 *
 *   --minutes N  how long faults go on                          (1)
 *   --seconds N  the same, in seconds
 *   --seed S     what everything is drawn from                  (the time)
 *   --plant X    a fault of the workload, by its name in test/chaos/plants.ts
 *   --verbose    says what is struck, and what is not well yet at the end
 *   --record F   writes everything that was recorded to a file, one event a line
 *   --json F     writes the numbers to a file
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runnerImport } from 'vite'
import { root } from './run.mjs'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seconds: { type: 'string' },
    seed: { type: 'string' },
    plant: { type: 'string' },
    verbose: { type: 'boolean', default: false },
    record: { type: 'string' },
    json: { type: 'string' },
  },
})

/**
 * What is used of test/chaos/chaos.ts, whose own types need the browser's.
 * @typedef {{ anomalies: object[], acknowledged: number, handled: number }} Summary
 * @typedef {{ summary: Summary, events: object[] }} Result
 * @typedef {{
 *   seed: number, faultMs: number, plant: string | undefined, say: (text: string) => void,
 * }} Options
 * @typedef {{
 *   runChaos: (options: Options) => Promise<Result>,
 *   describeSummary: (summary: Summary) => string,
 * }} Chaos
 */
/** @type {{ module: Chaos }} */
const { module } = await runnerImport(join(root, 'test/chaos/chaos.ts'), {
  root,
  configFile: false,
  logLevel: 'error',
})

const seed = Number(values.seed ?? Math.floor(Date.now() / 1000))
const seconds = values.seconds === undefined ? Number(values.minutes) * 60 : Number(values.seconds)
console.log(`chaos for ${seconds} s, seed ${seed}`)
const { summary, events } = await module.runChaos({
  seed,
  faultMs: seconds * 1000,
  plant: values.plant,
  say: (text) => {
    if (values.verbose) console.log(text)
  },
})
if (values.record !== undefined) {
  writeFileSync(values.record, events.map((event) => `${JSON.stringify(event)}\n`).join(''))
}
if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(summary, undefined, 2))
console.log(module.describeSummary(summary))
// A run in which nothing happened shows nothing.
const { anomalies, acknowledged, handled } = summary
process.exitCode = anomalies.length === 0 && acknowledged > 0 && handled > 0 ? 0 : 1
