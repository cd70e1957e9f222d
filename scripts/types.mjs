/**
 * Type-checks every project, each against the host that its folder may know: the pure core without
 * the DOM, the worker with the worker's globals, and so on. `npm run types -- src/broker` checks
 * only the projects named.
 */
import { runScript, toolPath } from './run.mjs'

const projects = [
  '.',
  'src/std',
  'src/protocol',
  'src/broker',
  'src',
  'src/console',
  'worker',
  'demo',
  'demo/broker',
  'test',
]

const chosen = process.argv.length > 2 ? process.argv.slice(2) : projects
const tsc = toolPath('typescript', 'tsc')

// All of them are checked before the script fails: one run shows every error.
const failed = chosen.filter((project) => !runScript(tsc, ['--project', project, '--noEmit']))
if (failed.length > 0) {
  console.error(`type errors in: ${failed.join(', ')}`)
  process.exitCode = 1
}
