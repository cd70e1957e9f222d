/**
 * What is wrong, and where. Faults come in runs: neighbours of one kind are one finding, so that a
 * reader sees a range and not each of its offsets. Pure.
 */
export interface Finding {
  /** `overtaken`: by a younger message of its key, in another partition. */
  readonly what: 'lost' | 'twice' | 'out of order' | 'overtaken' | 'mixed up'
  readonly partition: number
  readonly firstOffset: number
  readonly lastOffset: number
  /** Who handled it, the second time. */
  readonly tab: number | undefined
  /** Of what was handled twice: the life of the other tab that had handled it before. */
  readonly before: string | undefined
  /** Of what was handled twice: about when, of the first in the run. */
  readonly times?: { readonly firstAtMs: number; readonly againAtMs: number }
}

export type Fault = Omit<Finding, 'firstOffset' | 'lastOffset'> & { readonly offset: number }

const FINDINGS_MAX = 100

/** All that they have to know to go on. */
export interface FindingsState {
  readonly all: readonly Finding[]
  readonly latest: ReadonlyMap<string, number>
}

export class Findings {
  readonly #all: Finding[] = []
  /** Where in the list the latest of its kind stands. */
  readonly #latest = new Map<string, number>()

  static from({ all, latest }: FindingsState): Findings {
    const findings = new Findings()
    findings.#all.push(...all)
    for (const [kind, index] of latest) findings.#latest.set(kind, index)
    return findings
  }

  get state(): FindingsState {
    return { all: this.#all, latest: this.#latest }
  }

  /** The oldest first; beyond the first hundred none is kept. */
  get all(): readonly Finding[] {
    return this.#all
  }

  add({ offset, ...fault }: Fault): void {
    const kind = [fault.what, fault.partition, fault.tab, fault.before].join(' ')
    const index = this.#latest.get(kind)
    const latest = index === undefined ? undefined : this.#all[index]
    if (index !== undefined && latest?.lastOffset === offset - 1) {
      this.#all[index] = { ...latest, lastOffset: offset }
    } else if (this.#all.length < FINDINGS_MAX) {
      this.#latest.set(kind, this.#all.length)
      this.#all.push({ ...fault, firstOffset: offset, lastOffset: offset })
    }
  }

  clear(): void {
    this.#all.length = 0
    this.#latest.clear()
  }
}
