/**
 * How many bytes a producer may have waiting. Who finds no room waits in line; a request larger than
 * the whole budget is let in when nothing else is there.
 */
interface Waiter {
  readonly bytes: number
  readonly admit: () => void
}

export class ByteBudget {
  readonly #bytesMax: number
  #bytes = 0
  #line: Waiter[] = []

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Takes the bytes if there is room and nobody waits. */
  tryTake(bytes: number): boolean {
    if (this.#line.length > 0 || !this.#hasRoom(bytes)) return false
    this.#bytes += bytes
    return true
  }

  /** Takes the bytes when there is room, in the order of the calls: at most one for each topic. */
  take(bytes: number): { readonly taken: Promise<void>; readonly cancel: () => void } {
    let waiter: Waiter | undefined
    const taken = new Promise<void>((resolve) => {
      waiter = { bytes, admit: resolve }
      this.#line.push(waiter)
    })
    const cancel = () => {
      this.#line = this.#line.filter((other) => other !== waiter)
      this.#admitWhoFits()
    }
    this.#admitWhoFits()
    return { taken, cancel }
  }

  release(bytes: number): void {
    this.#bytes -= bytes
    this.#admitWhoFits()
  }

  #admitWhoFits(): void {
    for (;;) {
      const [first] = this.#line
      if (first === undefined || !this.#hasRoom(first.bytes)) return
      this.#line.shift()
      this.#bytes += first.bytes
      first.admit()
    }
  }

  #hasRoom(bytes: number): boolean {
    return this.#bytes === 0 || this.#bytes + bytes <= this.#bytesMax
  }
}
