/**
 * Chromium as a user has it, driven from outside: started by hand with a profile on disk, so that
 * hidden and frozen tabs really are, and so that it can be killed with all that is in it.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { findChromium } from '../../scripts/find-chromium.mjs'
import { definedOrThrow } from '../../src/std/assert.js'
import { CHROMIUM_ARGS } from '../chromium-args.js'
import { BrowserTab } from './browser-tab.js'
import { DevTools } from './dev-tools.js'
import { within } from './within.js'

const ARGS = [
  '--headless',
  '--no-sandbox',
  '--remote-debugging-pipe',
  ...CHROMIUM_ARGS,
  '--disable-popup-blocking',
  '--hide-crash-restore-bubble',
]

/** A killed browser may leave these, and the next one on the profile would take it for running. */
const LEFT_BEHIND = ['SingletonLock', 'SingletonCookie', 'SingletonSocket']

const START_TRIES = 3
const END_MS = 20_000
const LOOK_MS = 30

interface Running {
  readonly process: ChildProcess
  readonly devTools: DevTools
}

export interface BrowserListener {
  workerGone(): void
}

export class ChaosBrowser {
  readonly #profile = mkdtempSync(join(tmpdir(), 'tabmq-chaos-'))
  readonly #listener: BrowserListener
  readonly #workers = new Set<string>()
  readonly #tabs = new Map<string, BrowserTab>()
  #running: Running | undefined
  /** Who waits for a tab that a page opens. */
  #onOpened: ((targetId: string) => void) | undefined

  constructor(listener: BrowserListener) {
    this.#listener = listener
  }

  async start(): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#start()
      } catch (error) {
        await this.kill()
        if (tries === START_TRIES) throw error
      }
    }
  }

  async openTab(url: string): Promise<BrowserTab> {
    const { targetId } = await this.#devTools.send('Target.createTarget', { url })
    return this.#attach(targetId)
  }

  /** The tab that opens when `act` makes a page open one. */
  async openedBy(act: () => Promise<unknown>): Promise<BrowserTab> {
    const opened = new Promise<string>((resolve) => {
      this.#onOpened = resolve
    })
    await act()
    return this.#attach(await within(END_MS, 'opening a tab', opened))
  }

  /** Whether there was a worker to kill. */
  async killWorker(): Promise<boolean> {
    const { targetInfos } = await this.#devTools.send('Target.getTargets')
    const worker = targetInfos.find(({ type }) => type === 'shared_worker')
    if (worker === undefined) return false
    await this.#devTools.send('Target.closeTarget', { targetId: worker.targetId })
    return true
  }

  /** `kill -9` of the browser's process. Resolves when all of its processes are gone. */
  async kill(): Promise<void> {
    for (const pid of this.#processes({ isMain: true })) process.kill(pid, 'SIGKILL')
    this.#running?.devTools.close()
    this.#running = undefined
    this.#workers.clear()
    for (const tab of this.#tabs.values()) tab.gone()
    this.#tabs.clear()
    // Its children end by themselves when they find it gone; one that does not is helped.
    const sinceMs = performance.now()
    for (;;) {
      const left = this.#processes({ isMain: false })
      if (left.length === 0) return
      if (performance.now() - sinceMs > END_MS) for (const pid of left) process.kill(pid, 'SIGKILL')
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
  }

  async close(): Promise<void> {
    try {
      await this.kill()
    } finally {
      rmSync(this.#profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
    }
  }

  async #start(): Promise<void> {
    for (const name of LEFT_BEHIND) rmSync(join(this.#profile, name), { force: true })
    const executable = definedOrThrow(findChromium(), () => 'there is no Chromium')
    const args = [...ARGS, `--user-data-dir=${this.#profile}`, 'about:blank']
    const child = spawn(executable, args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] })
    const [, , , write, read] = child.stdio
    const devTools: DevTools = new DevTools(
      { write: write as Writable, read: read as Readable },
      (method, params) => {
        if (this.#running?.devTools === devTools) this.#heard(method, params)
      },
    )
    child.once('error', () => devTools.close())
    this.#running = { process: child, devTools }
    await devTools.send('Target.setDiscoverTargets', { discover: true })
  }

  #heard(method: string, params: unknown): void {
    if (method === 'Target.targetCreated') {
      const { targetInfo } = params as {
        targetInfo: { targetId: string; type: string; openerId?: string }
      }
      if (targetInfo.type === 'shared_worker') this.#workers.add(targetInfo.targetId)
      if (targetInfo.type === 'page' && targetInfo.openerId !== undefined) {
        this.#onOpened?.(targetInfo.targetId)
      }
    }
    if (method === 'Target.targetDestroyed' || method === 'Target.targetCrashed') {
      const { targetId } = params as { targetId: string }
      if (this.#workers.delete(targetId)) this.#listener.workerGone()
      this.#tabs.get(targetId)?.gone()
      this.#tabs.delete(targetId)
    }
  }

  async #attach(targetId: string): Promise<BrowserTab> {
    const devTools = this.#devTools
    const { sessionId } = await devTools.send('Target.attachToTarget', { targetId, flatten: true })
    const tab = new BrowserTab(devTools, { targetId, sessionId })
    this.#tabs.set(targetId, tab)
    return tab
  }

  get #devTools(): DevTools {
    return definedOrThrow(this.#running, () => 'the browser is not running').devTools
  }

  #processes({ isMain }: { readonly isMain: boolean }): number[] {
    const lines = execFileSync('ps', ['-eo', 'pid=,args=', '-ww'], { encoding: 'utf8' })
    return lines
      .split('\n')
      .filter((line) => line.includes(`--user-data-dir=${this.#profile}`))
      .filter((line) => !isMain || !line.includes('--type='))
      .map((line) => Number.parseInt(line, 10))
  }
}
