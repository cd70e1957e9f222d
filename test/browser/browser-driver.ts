/**
 * Chromium as a user has it: a profile on disk that outlives the process, a process that can be
 * killed, pages that load the library. Playwright's own contexts forget everything when they close.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type BrowserContext, type Page } from '@playwright/test'
import { findChromium } from '../../scripts/find-chromium.mjs'
import { CHROMIUM_ARGS } from '../chromium-args.js'

/** Playwright switches these off; a user's browser has them. */
const LIFECYCLE_SWITCHES = [
  '--disable-back-forward-cache',
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
]

export class UserBrowser {
  readonly profile = mkdtempSync(join(tmpdir(), 'tabmq-profile-'))
  readonly #baseUrl: string
  #context: BrowserContext | undefined

  constructor(baseUrl: string) {
    this.#baseUrl = baseUrl
  }

  async start(): Promise<void> {
    const executablePath = findChromium()
    this.#context = await chromium.launchPersistentContext(this.profile, {
      ...(executablePath === undefined ? {} : { executablePath }),
      chromiumSandbox: false,
      headless: true,
      args: [...CHROMIUM_ARGS],
      ignoreDefaultArgs: LIFECYCLE_SWITCHES,
    })
  }

  /** A tab with the library, on its own client page. */
  async openTab(broker: string): Promise<Page> {
    const page = await this.#contextOrThrow().newPage()
    await page.goto(`${this.#baseUrl}/test/browser/pages/client.html?broker=${broker}`)
    await page.waitForFunction(() => 'tab' in globalThis)
    return page
  }

  /** As a power user's `kill -9`: no page hears of it. Resolves when the process is gone. */
  async kill(): Promise<void> {
    const context = this.#contextOrThrow()
    const closed = new Promise<void>((resolve) => {
      context.once('close', () => resolve())
    })
    for (const pid of this.#mainProcesses()) process.kill(pid, 'SIGKILL')
    await closed
    this.#context = undefined
  }

  async close(): Promise<void> {
    await this.#context?.close()
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  }

  #mainProcesses(): number[] {
    const lines = execFileSync('ps', ['-eo', 'pid=,args=', '-ww'], { encoding: 'utf8' }).split('\n')
    return lines
      .filter((line) => line.includes(`--user-data-dir=${this.profile}`))
      .filter((line) => !line.includes('--type='))
      .map((line) => Number.parseInt(line, 10))
  }

  #contextOrThrow(): BrowserContext {
    if (this.#context === undefined) throw new Error('the browser is not running')
    return this.#context
  }
}
