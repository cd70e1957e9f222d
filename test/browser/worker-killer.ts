/** Ends the broker's worker from outside, as the browser does when it needs the memory. */
import { expect, type CDPSession, type Page } from '@playwright/test'

/** Kills the worker that the page's broker runs in, once there is one. */
export async function killWorker(page: Page): Promise<void> {
  const killer = await WorkerKiller.of(page)
  await killer.kill()
  await killer.close()
}

/** Knows at each moment which worker there is, so that a kill is one message to the browser. */
export class WorkerKiller {
  readonly #debug: CDPSession
  readonly #alive = new Set<string>()
  #birthsToEnd = 0
  #ending: Promise<unknown> = Promise.resolve()

  /** For the workers of the page's context. */
  static async of(page: Page): Promise<WorkerKiller> {
    const browser = page.context().browser()
    if (browser === null) throw new Error('the page has no browser')
    const ofPage = await page.context().newCDPSession(page)
    const { targetInfo } = await ofPage.send('Target.getTargetInfo')
    await ofPage.detach()
    const killer = new WorkerKiller(await browser.newBrowserCDPSession())
    await killer.#watch(targetInfo.browserContextId)
    return killer
  }

  private constructor(debug: CDPSession) {
    this.#debug = debug
  }

  /** Waits for a worker, and kills it. */
  async kill(): Promise<void> {
    await expect.poll(() => this.#alive.size, { intervals: [1] }).toBeGreaterThan(0)
    await Promise.all([...this.#alive].map((targetId) => this.#end(targetId)))
  }

  /** Kills the worker, and so many of those that follow it in the moment in which they appear. */
  async killAtBirth(births: number): Promise<void> {
    this.#birthsToEnd = births
    await this.kill()
    await expect.poll(() => this.#birthsToEnd, { intervals: [1] }).toBe(0)
    await this.#ending
  }

  async close(): Promise<void> {
    await this.#debug.detach()
  }

  async #watch(contextId: string | undefined): Promise<void> {
    this.#debug.on('Target.targetCreated', ({ targetInfo }) => {
      const { type, browserContextId, targetId } = targetInfo
      if (type !== 'shared_worker' || browserContextId !== contextId) return
      this.#alive.add(targetId)
      if (this.#birthsToEnd === 0) return
      this.#birthsToEnd -= 1
      this.#ending = this.#end(targetId)
    })
    this.#debug.on('Target.targetDestroyed', ({ targetId }) => this.#alive.delete(targetId))
    // Those that are there already are told of as created.
    await this.#debug.send('Target.setDiscoverTargets', { discover: true })
  }

  async #end(targetId: string): Promise<void> {
    this.#alive.delete(targetId)
    await this.#debug.send('Target.closeTarget', { targetId })
  }
}
