/** What a tab tells the others about itself, twice a second and when something happens to it. */
import type { WorkerState } from '../worker/tab-worker.js'

export interface TabReport {
  /** The tab's number, and the name of its life. */
  readonly tab: number
  readonly run: string
  readonly atMs: number
  readonly isVisible: boolean
  /** The browser is about to freeze it: it says nothing more until it is thawed. */
  readonly isFreezing: boolean
  readonly worker: WorkerState
  readonly handled: number
  readonly perSecond: number
  /** What is odd about its handler, in a few words. */
  readonly trouble: string | undefined
  /** When the broker has last heard of its member; undefined while it has none. */
  readonly heartbeatAtMs: number | undefined
  /** A page may close only what a page has opened. */
  readonly canBeClosed: boolean
}
