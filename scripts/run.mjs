/**
 * How the other scripts start programs: a tool of node_modules by its package and command name, run
 * with this same Node, so that neither PATH nor a shell matters (nor the operating system).
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * The script behind a package's command.
 * @param {string} packageName
 * @param {string} [command] the command's name where it differs from the package's
 */
export function toolPath(packageName, command = packageName) {
  const folder = join(root, 'node_modules', packageName)
  /** @type {{ bin: string | Record<string, string> }} */
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const script = typeof bin === 'string' ? bin : bin[command]
  if (script === undefined) throw new Error(`${packageName} has no command ${command}`)
  return join(folder, script)
}

/**
 * Runs a Node script in the project's root with the terminal as its output, and tells whether it
 * succeeded.
 * @param {string} script
 * @param {string[]} [args]
 * @param {NodeJS.ProcessEnv} [env] added to this process's own
 */
export function runScript(script, args = [], env = {}) {
  const { error, status } = spawnSync(process.execPath, [script, ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (error !== undefined) throw error
  return status === 0
}

/**
 * The same beside another: what is not urgent yields the processor, and prints when it has ended.
 * @param {string} script
 * @param {string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, isUrgent?: boolean }} [options]
 */
export async function runScriptBeside(script, args, { env = {}, isUrgent = false } = {}) {
  const child = spawn(process.execPath, [script, ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', isUrgent ? 'inherit' : 'pipe', isUrgent ? 'inherit' : 'pipe'],
  })
  /** @type {Buffer[]} */
  const printed = []
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (/** @type {Buffer} */ chunk) => printed.push(chunk))
  }
  if (!isUrgent && child.pid !== undefined)
    setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL)
  const [status] = await once(child, 'close')
  process.stdout.write(Buffer.concat(printed))
  return status === 0
}

/**
 * Milliseconds since `startMs`, for people.
 * @param {number} startMs as performance.now() gave it
 */
export function elapsed(startMs) {
  return `${((performance.now() - startMs) / 1000).toFixed(1)} s`
}
