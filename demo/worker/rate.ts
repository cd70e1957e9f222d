/** How many messages a second, over the last two seconds. Pure: the time is handed to it. */
const WINDOW_MS = 2_000
/** What happens within so long counts as one: at ten thousand a second, a list of each would be long. */
const BUCKET_MS = 20

export class Rate {
  readonly #events: { readonly atMs: number; count: number }[] = []
  #inWindow = 0

  note(count: number, nowMs: number): void {
    const latest = this.#events.at(-1)
    if (latest !== undefined && nowMs - latest.atMs < BUCKET_MS) latest.count += count
    else this.#events.push({ atMs: nowMs, count })
    this.#inWindow += count
    this.#forget(nowMs)
  }

  /** Shortly after the first message the window is as long as there has been one. */
  perSecond(nowMs: number): number {
    this.#forget(nowMs)
    const [first] = this.#events
    if (first === undefined) return 0
    const spanMs = Math.min(WINDOW_MS, Math.max(nowMs - first.atMs, 250))
    return (this.#inWindow * 1_000) / spanMs
  }

  #forget(nowMs: number): void {
    while (this.#events.length > 0) {
      const [first] = this.#events
      if (first === undefined || first.atMs > nowMs - WINDOW_MS) return
      this.#inWindow -= first.count
      this.#events.shift()
    }
  }
}
