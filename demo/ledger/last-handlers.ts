/**
 * Which life of which tab handled an offset last, and how much of what a life had handled was
 * handled again by another. Offsets are kept as spans, as tabs handle them one after the other: a
 * span ends where a partition changes hands. Pure.
 */
interface Span {
  readonly run: string
  readonly tab: number
  readonly first: number
  last: number
}

/** Offsets that one tab has handled one after the other, both inclusive. */
export type HandledSpan = Readonly<Pick<Span, 'tab' | 'first' | 'last'>>

export class LastHandlers {
  readonly #spans = new Map<number, Span[]>()
  readonly #repeatedOf = new Map<string, number>()

  /** What was handled of a partition, in the order in which it was. */
  spansOf(partition: number): readonly HandledSpan[] {
    return this.#spans.get(partition) ?? []
  }

  /** @returns the other run that had handled it before, if one had */
  note(
    partition: number,
    offset: number,
    { run, tab }: { readonly run: string; readonly tab: number },
  ): string | undefined {
    const spans = this.#spans.get(partition) ?? []
    this.#spans.set(partition, spans)
    const before = spans.findLast(({ first, last }) => first <= offset && offset <= last)?.run
    const latest = spans.at(-1)
    if (latest?.run === run && latest.last === offset - 1) latest.last = offset
    else spans.push({ run, tab, first: offset, last: offset })
    if (before === undefined || before === run) return undefined
    this.#repeatedOf.set(before, this.repeatedOf(before) + 1)
    return before
  }

  /** How much of what this run had handled others handled again. */
  repeatedOf(run: string): number {
    return this.#repeatedOf.get(run) ?? 0
  }

  /** What was handled of a partition from there on is to be handled again. */
  forgetFrom(partition: number, from: number): void {
    const kept = this.#spans.get(partition)?.filter(({ first }) => first < from) ?? []
    const cut = kept.map((span) => ({ ...span, last: Math.min(span.last, from - 1) }))
    this.#spans.set(partition, cut)
    this.#repeatedOf.clear()
  }

  clear(): void {
    this.#spans.clear()
    this.#repeatedOf.clear()
  }
}
