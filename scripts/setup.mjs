/**
 * Makes a fresh clone ready, before `npm start` and `npm test`: checks Node's version, installs the
 * packages when they are missing or not those of the lock file, and finds or installs a Chromium
 * for the browser tests. It needs nothing but Node and npm, says one line per step it takes, and
 * nothing when all is there.
 *
 * `--no-browser` leaves the browser out.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { findChromium } from './find-chromium.mjs'
import { elapsed, root, toolPath } from './run.mjs'

/** The versions that the tools support: of 20 and of 22, and everything later. */
const NODE_MIN = { 20: 19, 22: 12 }
const MINUTE_MS = 60_000

try {
  checkNode()
  if (!packagesMatchLock()) installPackages()
  if (!process.argv.includes('--no-browser') && findChromium() === undefined) installChromium()
} catch (error) {
  console.error(`setup: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const minorMin =
    new Map(Object.entries(NODE_MIN)).get(String(major)) ?? (major > 22 ? 0 : Infinity)
  if (minor < minorMin) {
    throw new Error(`Node 20.19 or 22.12 or later is needed, this is ${process.versions.node}`)
  }
}

/**
 * Whether node_modules holds what the lock file says. npm leaves a list of what it installed, and
 * writes it last, so it is missing after an install that was interrupted. Contents are compared
 * instead of times: a checkout or an `npm install` touches the lock file without changing it.
 */
function packagesMatchLock() {
  const installed = lockedPackages('node_modules/.package-lock.json')
  const locked = lockedPackages('package-lock.json')
  if (installed === undefined) return false
  if (locked === undefined) throw new Error('package-lock.json is missing')
  return Object.entries(locked).every(([path, { version, optional }]) => {
    if (path === '') return true
    const there = installed[path]
    // An optional package may be one for another platform.
    return there === undefined ? optional === true : there.version === version
  })
}

/**
 * @param {string} path
 * @returns {Record<string, { version?: string, optional?: boolean }> | undefined}
 */
function lockedPackages(path) {
  const file = join(root, path)
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : undefined
}

function installPackages() {
  // Run by npm, this is npm's own script, which works without a shell on every system.
  const npm = process.env['npm_execpath']
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']
  step('installing packages (npm ci)', () =>
    npm?.endsWith('.js') === true
      ? attempt(process.execPath, [npm, ...args], 15 * MINUTE_MS)
      : attempt('npm', args, 15 * MINUTE_MS),
  )
}

/**
 * Playwright's own Chromium comes first because it is the one its version was made for. Where that
 * cannot be downloaded, a Debian that lets us (root) has one of its own.
 */
function installChromium() {
  const playwright = toolPath('playwright')
  const isRoot = process.getuid?.() === 0
  const tries = [
    () =>
      step('installing Chromium (playwright install)', () => {
        attempt(process.execPath, [playwright, 'install', 'chromium'], 10 * MINUTE_MS)
        // The libraries it needs, after the download: they are many, and for nothing if it fails.
        if (process.platform === 'linux' && isRoot) {
          attempt(process.execPath, [playwright, 'install-deps', 'chromium'], 10 * MINUTE_MS)
        }
      }),
  ]
  if (isRoot && existsSync('/usr/bin/apt-get')) {
    tries.push(() =>
      step('installing Chromium (apt-get install chromium)', () => {
        attempt('apt-get', ['update', '-qq'], 5 * MINUTE_MS)
        attempt(
          'apt-get',
          ['install', '-y', '-qq', '--no-install-recommends', 'chromium'],
          10 * MINUTE_MS,
        )
      }),
    )
  }
  for (const tryOne of tries) {
    try {
      tryOne()
      // Some systems have a package of that name that only points elsewhere: it must start.
      const path = findChromium()
      if (path !== undefined) {
        attempt(path, ['--version'], MINUTE_MS)
        return
      }
    } catch (error) {
      console.log(`setup: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  throw new Error(
    'no Chromium was found, and none could be installed. Install Chromium or Chrome (Debian: ' +
      'apt-get install chromium; elsewhere: npx playwright install --with-deps chromium), or set ' +
      'TABMQ_CHROMIUM to the path of one. Everything but the browser tests works without it.',
  )
}

/**
 * @param {string} what
 * @param {() => void} work
 */
function step(what, work) {
  const startMs = performance.now()
  process.stdout.write(`setup: ${what} … `)
  try {
    work()
    console.log(elapsed(startMs))
  } catch (error) {
    console.log('failed')
    throw error
  }
}

/**
 * Runs a program silently; when it fails, throws the lines that say why.
 * @param {string} program
 * @param {string[]} args
 * @param {number} timeout in milliseconds
 */
function attempt(program, args, timeout) {
  const { error, signal, status, stderr, stdout } = spawnSync(program, args, {
    cwd: root,
    encoding: 'utf8',
    env: {
      ...process.env,
      DEBIAN_FRONTEND: 'noninteractive',
      PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT: '10000',
    },
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout,
    killSignal: 'SIGKILL',
  })
  if (error === undefined && status === 0) return
  if (error !== undefined) throw error
  // A retried download fails with the same words each time.
  const lines = [...new Set(`${stderr}\n${stdout}`.split('\n'))].filter(
    (line) => line.trim() !== '',
  )
  const telling = lines.filter((line) => /^(E:|Error|npm error)/.test(line))
  const reason = (telling.length > 0 ? telling : lines).slice(0, 4).join('\n')
  throw new Error(reason || `${program} ended with ${signal ?? status}`)
}
