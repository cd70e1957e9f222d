/**
 * Chromium as a user starts it: without Playwright's switches and without its pretence that every
 * page is in front. Only so is a tab really hidden, its timers slow, and can it be frozen; and only so
 * can the whole of it be stopped, as by a computer that sleeps.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  chromium,
  expect,
  type Browser,
  type BrowserContext,
  type CDPSession,
  type Page,
} from '@playwright/test'
import { findChromium } from '../../scripts/find-chromium.mjs'
import { CHROMIUM_ARGS } from '../chromium-args.js'

const ARGS = ['--headless', '--no-sandbox', ...CHROMIUM_ARGS, '--remote-debugging-port=0']

export class SpawnedBrowser {
  readonly #baseUrl: string
  readonly #profile: string
  readonly #process: ChildProcess
  readonly #browser: Browser

  /** `features`: Chromium's own switches for what it does with tabs. */
  static async start(baseUrl: string, features: readonly string[] = []): Promise<SpawnedBrowser> {
    const profile = mkdtempSync(join(tmpdir(), 'tabmq-profile-'))
    const executable = findChromium() ?? chromium.executablePath()
    const args = [...ARGS, ...features, `--user-data-dir=${profile}`, 'about:blank']
    // A group of its own: all of its processes can be stopped at once.
    const child = spawn(executable, args, { stdio: ['ignore', 'ignore', 'pipe'], detached: true })
    const address = await debuggingAddress(child)
    const browser = await chromium.connectOverCDP(address, { noDefaults: true })
    return new SpawnedBrowser(baseUrl, { profile, process: child, browser })
  }

  private constructor(
    baseUrl: string,
    parts: { profile: string; process: ChildProcess; browser: Browser },
  ) {
    this.#baseUrl = baseUrl
    this.#profile = parts.profile
    this.#process = parts.process
    this.#browser = parts.browser
  }

  /** A tab with the library, in front of those that were opened before. */
  async openTab(broker: string): Promise<Page> {
    const page = await this.openPage(`/test/browser/pages/client.html?broker=${broker}`)
    await page.waitForFunction(() => 'tab' in globalThis)
    return page
  }

  async openPage(path: string): Promise<Page> {
    const page = await this.#contextOrThrow().newPage()
    await page.goto(`${this.#baseUrl}${path}`)
    return page
  }

  /** The DevTools protocol, to the browser as a whole. */
  openDevTools(): Promise<CDPSession> {
    return this.#browser.newBrowserCDPSession()
  }

  /** All of its processes are of this group. */
  get processGroup(): number {
    return this.#process.pid ?? 0
  }

  /** Puts another tab in front of this one: its timers slow down. */
  async hide(page: Page, front: Page): Promise<void> {
    await front.bringToFront()
    await expect.poll(() => page.evaluate(() => document.visibilityState)).toBe('hidden')
  }

  /** Resolves when the page has heard of it: the last that it hears for now. */
  async freeze(page: Page): Promise<void> {
    const said = page.waitForEvent('console', (message) => message.text() === 'freeze')
    await page.evaluate(() => {
      document.addEventListener('freeze', () => console.info('freeze'), { once: true })
    })
    await this.#setLifecycleState(page, 'frozen')
    await said
  }

  async resume(page: Page): Promise<void> {
    await this.#setLifecycleState(page, 'active')
  }

  /** As a computer that sleeps: nothing runs, and the clock goes on. */
  sleep(): void {
    this.#signal('SIGSTOP')
  }

  wake(): void {
    this.#signal('SIGCONT')
  }

  async close(): Promise<void> {
    const isGone = this.#process.exitCode !== null
    const gone = new Promise((resolve) => this.#process.once('exit', resolve))
    await this.#browser.close()
    this.#signal('SIGKILL')
    if (!isGone) await gone
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  }

  async #setLifecycleState(page: Page, state: 'frozen' | 'active'): Promise<void> {
    const debug = await page.context().newCDPSession(page)
    await debug.send('Page.setWebLifecycleState', { state })
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#process
    if (pid === undefined) return
    try {
      process.kill(-pid, signal)
    } catch {
      // All of it has ended.
    }
  }

  #contextOrThrow(): BrowserContext {
    const [context] = this.#browser.contexts()
    if (context === undefined) throw new Error('the browser has no window')
    return context
  }
}

/** Chromium says on its error output where it can be reached. */
function debuggingAddress(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = ''
    child.stderr?.on('data', (text: Buffer) => {
      said += text.toString()
      const address = /ws:\/\/\S+/.exec(said)?.[0]
      if (address !== undefined) resolve(address)
    })
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`the browser did not start: ${said}`)))
  })
}
