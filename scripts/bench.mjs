/**
 * How fast it is, in a real Chromium: `npm run bench`. Builds the package, measures that, and prints
 * each figure beside whom it is compared with and what was to be reached; at the end a line of JSON
 * for each. A full run takes some six minutes.
 *
 *   --quick        one short round of everything, within 50 seconds: a look, not a measurement
 *   --only X       this figure; may be repeated
 *   --json FILE    writes the lines of JSON
 *   --profile DIR  instead of measuring, writes CPU profiles of the worker and of the tab
 *   --docs         writes the table and the plots that docs/performance.md shows
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runnerImport } from 'vite'
import { root, runScript } from './run.mjs'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    json: { type: 'string' },
    docs: { type: 'boolean', default: false },
    profile: { type: 'string' },
  },
})

if (!runScript(join(import.meta.dirname, 'build.mjs'))) process.exit(1)

/**
 * What is used of test/bench/bench.ts, whose own types need the browser's.
 * @typedef {{ name: string }} Result
 * @typedef {{
 *   runBench: (options: {
 *     isQuick: boolean,
 *     only: string[],
 *     say: (text: string) => void,
 *     onProfile?: (name: string, profile: object) => void,
 *   }) => Promise<Result[]>,
 *   describeProfile: (profile: object) => string,
 *   describeResults: (results: Result[]) => string,
 *   jsonLines: (results: Result[]) => string[],
 *   markdownTable: (results: Result[]) => string,
 *   plotOf: (result: Result) => string,
 * }} Bench
 */
/** @type {{ module: Bench }} */
const { module } = await runnerImport(join(root, 'test/bench/bench.ts'), {
  root,
  configFile: false,
  logLevel: 'error',
})

const options = {
  isQuick: values.quick,
  only: values.only,
  say: (/** @type {string} */ text) => console.log(text),
}
const { profile: profiles } = values
if (profiles !== undefined) {
  mkdirSync(profiles, { recursive: true })
  await module.runBench({
    ...options,
    onProfile(name, profile) {
      writeFileSync(join(profiles, `${name}.cpuprofile`), JSON.stringify(profile))
      console.log(`\n${name}\n${module.describeProfile(profile)}`)
    },
  })
  process.exit()
}
const results = await module.runBench(options)
const lines = module.jsonLines(results)
console.log(`\n${module.describeResults(results)}\n`)
console.log(lines.join('\n'))
if (values.json !== undefined) writeFileSync(values.json, `${lines.join('\n')}\n`)
if (values.docs) writeDocs(results)

/** @param {Result[]} measured */
function writeDocs(measured) {
  const plots = join(root, 'docs/plots')
  mkdirSync(plots, { recursive: true })
  for (const result of measured) {
    writeFileSync(join(plots, `${result.name}.svg`), module.plotOf(result))
  }
  const table = module.markdownTable(measured)
  for (const name of ['docs/performance.md', 'README.md']) {
    const file = join(root, name)
    const text = readFileSync(file, 'utf8')
    const marks = /(<!-- bench -->\n)[\s\S]*?(<!-- \/bench -->)/
    if (marks.test(text)) writeFileSync(file, text.replace(marks, `$1${table}\n$2`))
  }
}
