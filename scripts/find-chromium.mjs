/**
 * Where a Chromium is on this machine. The setup script asks before it installs one, and the
 * browser tests ask which one to start.
 */
import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'

/**
 * The path of a Chromium (or Chrome) to test with, or undefined when there is none: the one that
 * TABMQ_CHROMIUM names, else the one Playwright downloaded, else one the system has.
 * @returns {string | undefined}
 * @throws {Error} when TABMQ_CHROMIUM names a file that does not exist
 */
export function findChromium() {
  const named = process.env['TABMQ_CHROMIUM']
  if (named) {
    if (!existsSync(named)) throw new Error(`TABMQ_CHROMIUM names ${named}, which does not exist`)
    return named
  }
  return playwrightChromium() ?? systemPaths().find((path) => existsSync(path))
}

/** Playwright is asked only where it has downloaded a Chromium: loading it takes a while. */
function playwrightChromium() {
  const downloads = playwrightDownloads()
  if (!existsSync(downloads)) return undefined
  if (!readdirSync(downloads).some((name) => name.startsWith('chromium'))) return undefined
  try {
    /** @type {typeof import('playwright-core')} */
    const { chromium } = createRequire(import.meta.url)('playwright-core')
    const path = chromium.executablePath()
    return existsSync(path) ? path : undefined
  } catch {
    // Playwright is not installed yet, or has no browser for this platform.
    return undefined
  }
}

function playwrightDownloads() {
  const named = process.env['PLAYWRIGHT_BROWSERS_PATH']
  // '0' is Playwright's own way to say: inside its package.
  if (named === '0') {
    return join(import.meta.dirname, '../node_modules/playwright-core/.local-browsers')
  }
  if (named) return named
  switch (process.platform) {
    case 'darwin':
      return join(homedir(), 'Library/Caches/ms-playwright')
    case 'win32':
      return join(process.env['LOCALAPPDATA'] ?? homedir(), 'ms-playwright')
    default:
      return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'ms-playwright')
  }
}

/** @returns {string[]} */
function systemPaths() {
  switch (process.platform) {
    case 'darwin':
      return [
        '/Applications/Chromium.app/Contents/MacOS/Chromium',
        '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
        '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
      ].flatMap((path) => [path, join(homedir(), path)])
    case 'win32':
      return ['ProgramFiles', 'ProgramFiles(x86)', 'LOCALAPPDATA'].flatMap((variable) => {
        const folder = process.env[variable]
        return folder === undefined ? [] : [join(folder, 'Google/Chrome/Application/chrome.exe')]
      })
    default:
      return [
        '/usr/bin/chromium',
        '/usr/bin/google-chrome-stable',
        '/usr/bin/google-chrome',
        '/snap/bin/chromium',
      ]
  }
}
