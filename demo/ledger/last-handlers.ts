/**
 * Which life of which tab handled an offset last, and how much of what a life had handled was
 * handled again by another. Offsets are kept as spans, as tabs handle them one after the other: a
 * span ends where a partition changes hands. Pure.
 */
interface Span {
  readonly run: string
  readonly first: number
  last: number
}

export class LastHandlers {
  readonly #spans = new Map<number, Span[]>()
  readonly #repeatedOf = new Map<string, number>()

  /** @returns the other run that had handled it before, if one had */
  note(partition: number, offset: number, run: string): string | undefined {
    const spans = this.#spans.get(partition) ?? []
    this.#spans.set(partition, spans)
    const before = spans.findLast(({ first, last }) => first <= offset && offset <= last)?.run
    const latest = spans.at(-1)
    if (latest?.run === run && latest.last === offset - 1) latest.last = offset
    else spans.push({ run, first: offset, last: offset })
    if (before === undefined || before === run) return undefined
    this.#repeatedOf.set(before, this.repeatedOf(before) + 1)
    return before
  }

  /** How much of what this run had handled others handled again. */
  repeatedOf(run: string): number {
    return this.#repeatedOf.get(run) ?? 0
  }

  clear(): void {
    this.#spans.clear()
    this.#repeatedOf.clear()
  }
}
