/**
 * Tells the other tabs about this one, and hears of them. A frozen tab tells it as its last act; one that
 * hangs falls silent. Timers of hidden pages are slow, so the beat comes from a worker's.
 */
import type { TabReport } from './tab-report.js'
import type { WorkTimer } from '../worker/work-timer.js'

export interface TabReportsOptions {
  readonly timer: WorkTimer
  readonly report: () => Omit<TabReport, 'atMs' | 'isVisible' | 'isFreezing'>
  /** Of this tab and the others. */
  readonly onReport: (report: TabReport) => void
  /** What another tab wants of this one. */
  readonly onWish: (wish: TabWish) => void
}

export type TabWish = 'close' | 'reload'
type Said =
  | { readonly report: TabReport }
  | { readonly wish: TabWish; readonly ofTab: number; readonly report?: never }

const BEAT_MS = 500

export class TabReports {
  readonly #options: TabReportsOptions
  readonly #channel = new BroadcastChannel('tabmq-demo-tabs')

  constructor(options: TabReportsOptions) {
    this.#options = options
    this.#channel.onmessage = ({ data }: MessageEvent<Said>) => {
      if (data.report !== undefined) options.onReport(data.report)
      else if (data.ofTab === options.report().tab) options.onWish(data.wish)
    }
    document.addEventListener('visibilitychange', () => this.tell())
    document.addEventListener('freeze', () => this.tell({ isFreezing: true }))
    document.addEventListener('resume', () => this.tell())
    void this.#beat()
  }

  tell({ isFreezing = false } = {}): void {
    const isVisible = document.visibilityState === 'visible'
    const report = { ...this.#options.report(), atMs: Date.now(), isVisible, isFreezing }
    this.#channel.postMessage({ report } satisfies Said)
    this.#options.onReport(report)
  }

  askToClose(tab: number): void {
    this.#channel.postMessage({ wish: 'close', ofTab: tab } satisfies Said)
  }

  askToReload(tab: number): void {
    this.#channel.postMessage({ wish: 'reload', ofTab: tab } satisfies Said)
  }

  async #beat(): Promise<never> {
    for (;;) {
      this.tell()
      await this.#options.timer.wait(BEAT_MS)
    }
  }
}
