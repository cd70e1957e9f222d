/**
 * The order of messages of one key that are in different partitions, as they are once partitions were
 * added: a key that goes elsewhere from then on is handled there while its older messages still wait. Within
 * a partition its order is that of the offsets, and known. Pure.
 */
export interface Latest {
  readonly number: number
  readonly partition: number
  /** When it was handled, at the latest. */
  readonly atMs: number
}

/** By sender and key. */
export type KeyOrderState = ReadonlyMap<string, Latest>

export interface KeyedHandling {
  readonly key: string
  readonly partition: number
  /** Names the life of the tab that sent the message. */
  readonly run: string
  /** Counts what that sent. */
  readonly number: number
  /** When it was handled at the earliest, and at the latest: tabs write down some messages at a time. */
  readonly fromMs: number
  readonly atMs: number
}

export class KeyOrder {
  /** By sender and key: the youngest message that was handled. */
  readonly #latest: Map<string, Latest>

  constructor(state: KeyOrderState = new Map()) {
    this.#latest = new Map(state)
  }

  get state(): KeyOrderState {
    return this.#latest
  }

  /** Returns whether a younger one of the same sender was certainly handled before it, elsewhere. */
  note({ key, run, partition, number, fromMs, atMs }: KeyedHandling): boolean {
    const name = `${run} ${key}`
    const latest = this.#latest.get(name)
    if (latest === undefined || number > latest.number) {
      this.#latest.set(name, { number, partition, atMs })
      return false
    }
    return number < latest.number && partition !== latest.partition && fromMs > latest.atMs
  }

  clear(): void {
    this.#latest.clear()
  }
}
