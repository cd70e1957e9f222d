/** Draws at most ten times a second, and not at all while the page is hidden. */
const INTERVAL_MS = 100

export class Frame {
  readonly #draw: () => void
  #isAsked = false

  constructor(draw: () => void) {
    this.#draw = draw
  }

  ask(): void {
    if (this.#isAsked) return
    this.#isAsked = true
    setTimeout(() => {
      requestAnimationFrame(() => {
        this.#isAsked = false
        this.#draw()
      })
    }, INTERVAL_MS)
  }
}
