/** One tab of the browser, as DevTools have it. */
import type { CDPSession } from '@playwright/test'
import { deferred } from '../../src/std/deferred.js'
import type { DevTools } from './dev-tools.js'

const CRASH_MS = 3_000

export class BrowserTab {
  readonly #devTools: DevTools
  readonly #targetId: string
  #sessionId: string
  #session: Pick<CDPSession, 'send'>
  readonly #gone = deferred<undefined>()

  constructor(devTools: DevTools, ids: { readonly targetId: string; readonly sessionId: string }) {
    this.#devTools = devTools
    this.#targetId = ids.targetId
    this.#sessionId = ids.sessionId
    this.#session = devTools.session(ids.sessionId)
  }

  /** Resolves when the tab has been closed or has crashed, or the browser has. */
  get whenGone(): Promise<undefined> {
    return this.#gone.promise
  }

  gone(): void {
    this.#devTools.sessionEnded(this.#sessionId)
    this.#gone.resolve(undefined)
  }

  async close(): Promise<void> {
    await this.#devTools.send('Target.closeTarget', { targetId: this.#targetId })
    await this.whenGone
  }

  /** Its process dies; what remains of the tab is closed. */
  async crash(): Promise<void> {
    // There is nobody left to answer.
    this.#session.send('Page.crash').catch(() => {})
    const late = new Promise((resolve) => setTimeout(resolve, CRASH_MS))
    // A tab in the middle of its first navigation may not notice: then it is only closed.
    await Promise.race([this.whenGone, late])
    await this.#devTools.send('Target.closeTarget', { targetId: this.#targetId })
  }

  async reload(): Promise<void> {
    await this.#session.send('Page.reload')
  }

  async show(): Promise<void> {
    await this.#devTools.send('Target.activateTarget', { targetId: this.#targetId })
  }

  async setLifecycle(state: 'frozen' | 'active'): Promise<void> {
    await this.#session.send('Page.setWebLifecycleState', { state })
  }

  async goTo(url: string): Promise<void> {
    await this.#session.send('Page.navigate', { url })
  }

  async goBack(): Promise<void> {
    await this.#attachAgain()
    const { currentIndex, entries } = await this.#session.send('Page.getNavigationHistory')
    const entry = entries[currentIndex - 1]
    if (entry === undefined) throw new Error('there is nothing to go back to')
    await this.#session.send('Page.navigateToHistoryEntry', { entryId: entry.id })
  }

  /** A session may stay with the page that went into the cache, and then sees nothing of the tab. */
  async #attachAgain(): Promise<void> {
    const targetId = this.#targetId
    const before = this.#sessionId
    const attached = await this.#devTools.send('Target.attachToTarget', { targetId, flatten: true })
    this.#sessionId = attached.sessionId
    this.#session = this.#devTools.session(attached.sessionId)
    await this.#devTools.send('Target.detachFromTarget', { sessionId: before })
  }

  /** Runs a function in the page, which knows nothing of what is around it here. */
  async evaluate<Result, Args extends readonly unknown[]>(
    work: (...args: Args) => Result,
    ...args: Args
  ): Promise<Awaited<Result>> {
    const expression = `(${work.toString()})(...${JSON.stringify(args)})`
    const { result, exceptionDetails } = await this.#session.send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
      userGesture: true,
    })
    if (exceptionDetails !== undefined) {
      throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
    }
    return result.value as Awaited<Result>
  }
}
