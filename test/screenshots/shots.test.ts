/** That the pictures of every view can be taken is not seen by any other test. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { toolPath } from '../../scripts/run.mjs'
import { VIEWS } from '../../src/console/route.js'

test('there is a picture of each view', () => {
  const config = fileURLToPath(new URL('playwright.config.ts', import.meta.url))
  const args = [toolPath('playwright'), 'test', '--list', '--config', config]
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  for (const name of ['demo-stage', 'demo-learn', 'demo-lesson', 'demo-console']) {
    expect(stdout, stderr).toContain(` › ${name}\n`)
  }
  for (const view of VIEWS) expect(stdout).toContain(` › console-${view}\n`)
})
