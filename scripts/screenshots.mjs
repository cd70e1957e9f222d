/**
 * Takes pictures of every view, at 390 and at 1,280 px, dark and light, for people to look at. They are
 * written to screenshots/; what is in them is in test/screenshots/.
 * `npm run screenshots -- topics` takes only those whose names contain the word.
 */
import { runScript, toolPath } from './run.mjs'

const [wanted] = process.argv.slice(2)
const only = wanted === undefined ? [] : ['--grep', wanted]
const args = ['test', '--config', 'test/screenshots/playwright.config.ts', ...only]
if (!runScript(toolPath('playwright'), args)) process.exitCode = 1
