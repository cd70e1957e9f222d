/** A byte per offset, for as many offsets as come: a plain array that grows, cheap for a million. */

/** Values and how often each follows itself, in turns: what is long alike is short. */
export type ByteRuns = readonly number[]

export class GrowingBytes {
  #bytes = new Uint8Array(1_024)
  #end = 0

  static from(runs: ByteRuns): GrowingBytes {
    const bytes = new GrowingBytes()
    const lengths = runs.filter((_, index) => index % 2 === 1)
    bytes.#end = lengths.reduce((sum, length) => sum + length, 0)
    bytes.#bytes = new Uint8Array(Math.max(1_024, bytes.#end))
    let at = 0
    for (const [index, length] of lengths.entries()) {
      bytes.#bytes.fill(runs[2 * index] ?? 0, at, at + length)
      at += length
    }
    return bytes
  }

  toRuns(): ByteRuns {
    const runs: number[] = []
    for (let from = 0, at = 1; from < this.#end; at++) {
      if (at < this.#end && this.#bytes[at] === this.#bytes[from]) continue
      runs.push(this.#bytes[from] ?? 0, at - from)
      from = at
    }
    return runs
  }

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
    this.#end = Math.max(this.#end, index + 1)
  }
}
