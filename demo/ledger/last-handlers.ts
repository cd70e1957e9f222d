/**
 * Which life of which tab handled an offset last, and how much of what a life had handled was
 * handled again by another. Offsets are kept as spans, as tabs handle them one after the other: a
 * span ends where a partition changes hands. Pure.
 */
export interface Span {
  readonly run: string
  readonly tab: number
  readonly first: number
  last: number
  /** When the last of them was handled. */
  atMs: number
}

/** An earlier time that an offset was handled. */
export interface EarlierHandling {
  readonly run: string
  /** When, or a little later. */
  readonly atMs: number
}

/** Offsets that one tab has handled one after the other, both inclusive. */
export type HandledSpan = Readonly<Pick<Span, 'tab' | 'first' | 'last'>>

/** All that they have to know to go on. */
export interface LastHandlersState {
  readonly spans: ReadonlyMap<number, readonly Readonly<Span>[]>
  readonly repeatedOf: ReadonlyMap<string, number>
}

export class LastHandlers {
  readonly #spans = new Map<number, Span[]>()
  readonly #repeatedOf = new Map<string, number>()

  static from({ spans, repeatedOf }: LastHandlersState): LastHandlers {
    const last = new LastHandlers()
    for (const [partition, own] of spans) {
      last.#spans.set(
        partition,
        own.map((span) => ({ ...span })),
      )
    }
    for (const [run, count] of repeatedOf) last.#repeatedOf.set(run, count)
    return last
  }

  get state(): LastHandlersState {
    return { spans: this.#spans, repeatedOf: this.#repeatedOf }
  }

  /** What was handled of a partition, in the order in which it was. */
  spansOf(partition: number): readonly HandledSpan[] {
    return this.#spans.get(partition) ?? []
  }

  /** @returns who had handled it before, if anybody had */
  note(
    partition: number,
    offset: number,
    { run, tab, atMs }: { readonly run: string; readonly tab: number; readonly atMs: number },
  ): EarlierHandling | undefined {
    const spans = this.#spans.get(partition) ?? []
    this.#spans.set(partition, spans)
    const found = spans.findLast(({ first, last }) => first <= offset && offset <= last)
    const before = found === undefined ? undefined : { run: found.run, atMs: found.atMs }
    const latest = spans.at(-1)
    if (latest?.run === run && latest.last === offset - 1) {
      latest.last = offset
      latest.atMs = atMs
    } else {
      spans.push({ run, tab, first: offset, last: offset, atMs })
    }
    if (before !== undefined && before.run !== run) {
      this.#repeatedOf.set(before.run, this.repeatedOf(before.run) + 1)
    }
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
