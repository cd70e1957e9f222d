/**
 * What the page's buttons have begun and not ended: one of a kind at a time. Whoever presses again while it
 * is under way has pressed once, and waits for the same end.
 */
import { Cell } from './cell.js'

/**
 * Names what a button does; two buttons that do the same have one name. Not of these: what is turned on and
 * off, which is stopped while it starts, and what says something else each time.
 */
export type Doing =
  | 'add jobs'
  | 'add a job that fails'
  | 'add partitions'
  | 'clear'
  | 'close a tab'
  | 'keep storage'
  | 'kill the broker'
  | 'make the topic'
  | `open tabs: ${number}`
  | 'redrive'
  | 'reset'
  | 'save orders'
  | 'send poison'
  | `send the data set ${string}`

export class UnderWay {
  /** Another set whenever something begins or ends. */
  readonly all = new Cell<ReadonlySet<Doing>>(new Set())
  readonly #ends = new Map<Doing, Promise<void>>()

  /** Does it, unless the same is under way. @throws what `action` throws, to all who wait for it */
  once(doing: Doing, action: () => Promise<void>): Promise<void> {
    const sameEnd = this.#ends.get(doing)
    if (sameEnd !== undefined) return sameEnd
    const end = action().finally(() => {
      this.#ends.delete(doing)
      this.#tell()
    })
    this.#ends.set(doing, end)
    this.#tell()
    return end
  }

  #tell(): void {
    this.all.set(new Set(this.#ends.keys()))
  }
}
