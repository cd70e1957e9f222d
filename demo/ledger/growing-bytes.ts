/** A byte per offset, for as many offsets as come: a plain array that grows, cheap for a million. */
export class GrowingBytes {
  #bytes = new Uint8Array(1_024)

  get(index: number): number {
    return this.#bytes[index] ?? 0
  }

  set(index: number, value: number): void {
    if (index >= this.#bytes.length) {
      const larger = new Uint8Array(Math.max(index + 1, this.#bytes.length * 2))
      larger.set(this.#bytes)
      this.#bytes = larger
    }
    this.#bytes[index] = value
  }
}
