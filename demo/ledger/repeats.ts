/**
 * What was handled a second time, and whether something that is no fault of the broker's explains it: a
 * broker that died before the first could be committed, or a group that was set back. Pure.
 */
import type { SetBackRow } from './ledger-row.js'

/** About when something was handled, and when again. */
export interface RepeatTimes {
  readonly firstAtMs: number
  readonly againAtMs: number
}

interface Place {
  readonly partition: number
  readonly offset: number
}

/** Neighbours, first handled by one life of a tab, are one: the place is that of the first of them. */
interface Repeat extends Place, RepeatTimes {
  readonly run: string
  readonly count: number
}

/** All that they have to know to go on. */
export interface RepeatsState {
  readonly all: readonly Repeat[]
  readonly setBacks: readonly SetBackRow[]
  readonly brokerStarts: ReadonlySet<number>
}

/** A tab goes on for a moment before it has heard that its broker is another. */
const NOTICED_MS = 2_000

export class Repeats {
  #all: Repeat[] = []
  #setBacks: SetBackRow[] = []
  /** When brokers began that came after one that had died. */
  #brokerStarts = new Set<number>()

  static from({ all, setBacks, brokerStarts }: RepeatsState): Repeats {
    const repeats = new Repeats()
    repeats.#all = [...all]
    repeats.#setBacks = [...setBacks]
    repeats.#brokerStarts = new Set(brokerStarts)
    return repeats
  }

  get state(): RepeatsState {
    return { all: this.#all, setBacks: this.#setBacks, brokerStarts: this.#brokerStarts }
  }

  noteBroker(startedAtMs: number): void {
    this.#brokerStarts.add(startedAtMs)
  }

  noteSetBack(row: SetBackRow): void {
    this.#setBacks.push(row)
  }

  /** @param run the life of the tab that had handled it before */
  note(run: string, { partition, offset, firstAtMs, againAtMs }: Place & RepeatTimes): void {
    const latest = this.#all.at(-1)
    const isSame =
      latest?.run === run && latest.partition === partition && latest.firstAtMs === firstAtMs
    // Those of one row are a microsecond apart.
    if (isSame && againAtMs - latest.againAtMs < 1) {
      this.#all[this.#all.length - 1] = { ...latest, count: latest.count + 1 }
    } else this.#all.push({ run, partition, offset, firstAtMs, againAtMs, count: 1 })
  }

  /** How many have which reason. @param isElse whether another reason explains those of a tab's life */
  explained(isElse: (run: string) => boolean): { afterBroker: number; afterSetBack: number } {
    let [afterBroker, afterSetBack] = [0, 0]
    for (const repeat of this.#all) {
      if (isElse(repeat.run)) continue
      const { brokerDied, wasSetBack } = this.reasonOf(repeat)
      if (brokerDied) afterBroker += repeat.count
      if (wasSetBack) afterSetBack += repeat.count
    }
    return { afterBroker, afterSetBack }
  }

  /** One of the two at the most. */
  reasonOf(repeat: Place & RepeatTimes): { brokerDied: boolean; wasSetBack: boolean } {
    const wasSetBack = this.#isSetBack(repeat)
    return { wasSetBack, brokerDied: !wasSetBack && this.#isBrokers(repeat) }
  }

  /** The group begins anew, and this page knows of it. */
  startAgain(): void {
    this.#all = []
    this.#setBacks = []
  }

  /** Whether the group was set back in front of it between the two times. */
  #isSetBack(repeat: Place & RepeatTimes): boolean {
    return this.#setBacks.some(
      ({ partition, offset, atMs }) =>
        partition === repeat.partition &&
        offset <= repeat.offset &&
        repeat.firstAtMs < atMs &&
        atMs <= repeat.againAtMs + NOTICED_MS,
    )
  }

  /** Whether a broker began between the two times. */
  #isBrokers({ firstAtMs, againAtMs }: RepeatTimes): boolean {
    return [...this.#brokerStarts].some(
      (startMs) => firstAtMs < startMs + NOTICED_MS && startMs <= againAtMs,
    )
  }
}
