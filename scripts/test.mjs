/**
 * Everything that must hold, cheapest first: types, lint, format, unit tests beside browser tests, and
 * half a minute of chaos. Each stage ends with one line and its time; the first that fails ends the run.
 * The last line counts the tests; a stage that is not made of tests counts as one when it fails.
 *
 * Browser tests mostly wait, three at a time. Meanwhile the unit tests have what is left of the machine.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { elapsed, runScript, runScriptBeside, toolPath } from './run.mjs'

/**
 * @typedef {{ passed: number, failed: number }} Counts
 * @typedef {{ name: string, run: () => boolean | Promise<boolean>, count?: () => Counts }} Stage
 */

const reports = mkdtempSync(join(tmpdir(), 'tabmq-test-'))
const unitReport = join(reports, 'unit.json')
const browserReport = join(reports, 'browser.json')
const chaosReport = join(reports, 'chaos.json')

/** Those of one row run side by side. @type {Stage[][]} */
const rows = [
  [{ name: 'types', run: () => runScript(join(import.meta.dirname, 'types.mjs')) }],
  [{ name: 'lint', run: () => runScript(toolPath('oxlint')) }],
  [{ name: 'format', run: () => runScript(toolPath('oxfmt'), ['--list-different']) }],
  [
    {
      name: 'unit',
      run: () =>
        runScriptBeside(toolPath('vitest'), [
          'run',
          '--reporter=dot',
          '--reporter=json',
          `--outputFile.json=${unitReport}`,
        ]),
      count() {
        const report = readReport(unitReport)
        return { passed: report.numPassedTests, failed: report.numFailedTests }
      },
    },
    {
      name: 'browser',
      run: () =>
        runScriptBeside(
          toolPath('playwright'),
          ['test', '--config', 'test/browser/playwright.config.ts', '--reporter=list,json'],
          { env: { PLAYWRIGHT_JSON_OUTPUT_FILE: browserReport }, isUrgent: true },
        ),
      count() {
        const { stats } = readReport(browserReport)
        return { passed: stats.expected + stats.flaky, failed: stats.unexpected }
      },
    },
  ],
  [
    {
      // A seed whose first ten faults kill a worker, a browser and tabs.
      name: 'chaos',
      run: () =>
        runScript(join(import.meta.dirname, 'chaos.mjs'), [
          '--seconds=25',
          '--seed=31',
          `--json=${chaosReport}`,
        ]),
      count() {
        const { anomalies } = readReport(chaosReport)
        return anomalies.length === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }
      },
    },
  ],
]

const totals = { passed: 0, failed: 0 }
try {
  for (const row of rows) {
    const succeeded = await Promise.all(row.map(runStage))
    if (succeeded.includes(false)) {
      process.exitCode = 1
      break
    }
  }
} finally {
  rmSync(reports, { recursive: true, force: true })
}
console.log(`tests: ${totals.passed} passed, ${totals.failed} failed`)

/** @param {Stage} stage */
async function runStage({ name, run, count }) {
  const startMs = performance.now()
  const succeeded = await run()
  const { passed, failed } = countOrNothing(count)
  totals.passed += passed
  totals.failed += succeeded ? failed : Math.max(failed, 1)
  const counted = count === undefined ? '' : `, ${passed} passed, ${failed} failed`
  console.log(`${succeeded ? 'ok' : 'FAILED'}: ${name} (${elapsed(startMs)}${counted})`)
  return succeeded
}

/**
 * A runner that could not even start leaves no report.
 * @param {(() => Counts) | undefined} count
 */
function countOrNothing(count) {
  try {
    return count?.() ?? { passed: 0, failed: 0 }
  } catch {
    return { passed: 0, failed: 0 }
  }
}

/** @param {string} path */
function readReport(path) {
  return JSON.parse(readFileSync(path, 'utf8'))
}
