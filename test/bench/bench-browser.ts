/** The browser that is measured: a new profile on the disk, its tabs, its worker, its processes. */
import { readdirSync, readFileSync } from 'node:fs'
import type { CDPSession, Page } from '@playwright/test'
import { SpawnedBrowser } from '../browser/spawned-browser.js'
import type { Sides } from './page/main.js'
import type { Profile } from './profile.js'
import { PAGE } from './site.js'

/** Every tab is measured as if it were in front. */
const NO_THROTTLING = [
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
]
/** Of the times in /proc, on every Linux. */
const TICKS_PER_SECOND = 100

type Method<S extends keyof Sides> = keyof Sides[S] & string
type Parameters_<F> = F extends (...args: infer P) => unknown ? P : never
type Returned<F> = F extends (...args: never[]) => infer R ? Awaited<R> : never

export class BenchTab {
  readonly page: Page

  constructor(page: Page) {
    this.page = page
  }

  /** Calls what a side of the page can do. */
  call<S extends keyof Sides, M extends Method<S>>(
    side: S,
    method: M,
    ...args: Parameters_<Sides[S][M]>
  ): Promise<Returned<Sides[S][M]>> {
    return this.page.evaluate(
      ({ side: ofSide, method: name, args: given }) => {
        const methods = bench[ofSide] as unknown as Record<string, (...all: unknown[]) => unknown>
        return methods[name]?.(...given)
      },
      { side, method, args },
    ) as Promise<Returned<Sides[S][M]>>
  }

  async close(): Promise<void> {
    await this.page.close()
  }
}

export class BenchBrowser {
  readonly #browser: SpawnedBrowser
  readonly #devTools: CDPSession

  static async start(url: string): Promise<BenchBrowser> {
    const browser = await SpawnedBrowser.start(url, NO_THROTTLING)
    return new BenchBrowser(browser, await browser.openDevTools())
  }

  private constructor(browser: SpawnedBrowser, devTools: CDPSession) {
    this.#browser = browser
    this.#devTools = devTools
  }

  async openTab(): Promise<BenchTab> {
    const page = await this.#browser.openPage(PAGE)
    await page.waitForFunction(() => 'bench' in globalThis)
    return new BenchTab(page)
  }

  /** Ends the broker's worker. The next that is asked for is a new one. */
  async killWorker(broker: string): Promise<void> {
    await this.#devTools.send('Target.closeTarget', { targetId: await this.#workerOf(broker) })
  }

  /** Bytes of the worker's heap that are in use, after a garbage collection. */
  async heapBytes(broker: string): Promise<number> {
    return this.#inWorker(broker, async (send) => {
      await send('HeapProfiler.collectGarbage')
      const { usedSize } = (await send('Runtime.getHeapUsage')) as { usedSize: number }
      return usedSize
    })
  }

  /** CPU profiles of the broker's worker and of a tab while `work` runs. */
  async profile(
    broker: string,
    tab: BenchTab,
    work: () => Promise<unknown>,
  ): Promise<{ readonly worker: Profile; readonly tab: Profile }> {
    const ofTab = await tab.page.context().newCDPSession(tab.page)
    const worker = await this.#inWorker(broker, async (send) => {
      for (const method of ['Profiler.enable', 'Profiler.start'] as const) {
        await send(method)
        await ofTab.send(method)
      }
      await work()
      return ((await send('Profiler.stop')) as { profile: Profile }).profile
    })
    const { profile } = await ofTab.send('Profiler.stop')
    await ofTab.detach()
    return { worker, tab: profile }
  }

  /** Seconds of CPU that the threads of shared workers have used so far. */
  workerCpuSeconds(): number {
    return this.#cpuSeconds((thread) => thread.startsWith('SharedWorker'))
  }

  /** Seconds of CPU that the whole browser has used so far. */
  cpuSeconds(): number {
    return this.#cpuSeconds(() => true)
  }

  async close(): Promise<void> {
    await this.#browser.close()
  }

  #cpuSeconds(isMeant: (thread: string) => boolean): number {
    let ticks = 0
    for (const pid of this.#processes()) {
      for (const thread of readable(() => readdirSync(`/proc/${pid}/task`)) ?? []) {
        const stat = readable(() => readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8'))
        if (stat === undefined) continue
        const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
        if (isMeant(name)) ticks += Number(fields[11]) + Number(fields[12])
      }
    }
    return ticks / TICKS_PER_SECOND
  }

  #processes(): string[] {
    const group = String(this.#browser.processGroup)
    return readdirSync('/proc').filter((pid) => {
      if (!/^\d+$/.test(pid)) return false
      const stat = readable(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
      return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[2] === group
    })
  }

  async #inWorker<T>(
    broker: string,
    work: (send: (method: string) => Promise<unknown>) => Promise<T>,
  ): Promise<T> {
    const targetId = await this.#workerOf(broker)
    const { sessionId } = await this.#devTools.send('Target.attachToTarget', {
      targetId,
      flatten: false,
    })
    let sent = 0
    const answers = new Map<number, (message: { result?: unknown }) => void>()
    const hear = (told: { sessionId: string; message: string }) => {
      if (told.sessionId !== sessionId) return
      const message = JSON.parse(told.message) as { id?: number; result?: unknown }
      if (message.id !== undefined) answers.get(message.id)?.(message)
    }
    this.#devTools.on('Target.receivedMessageFromTarget', hear)
    const send = async (method: string) => {
      const id = ++sent
      const answered = new Promise<{ result?: unknown }>((resolve) => answers.set(id, resolve))
      const message = JSON.stringify({ id, method })
      await this.#devTools.send('Target.sendMessageToTarget', { sessionId, message })
      return (await answered).result
    }
    try {
      return await work(send)
    } finally {
      this.#devTools.off('Target.receivedMessageFromTarget', hear)
      await this.#devTools.send('Target.detachFromTarget', { sessionId })
    }
  }

  async #workerOf(broker: string): Promise<string> {
    const { targetInfos } = await this.#devTools.send('Target.getTargets')
    const found = targetInfos.find(
      ({ type, title }) => type === 'shared_worker' && title.includes(broker),
    )
    if (found === undefined) {
      const all = targetInfos.map(({ type, title, url }) => `${type} ${title} ${url}`).join('\n')
      throw new Error(`broker ${broker} has no worker among\n${all}`)
    }
    return found.targetId
  }
}

/** Processes and threads end while they are looked at. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
