/** The last things that happened to this tab's share of the partitions. */
export interface RebalanceEvent {
  readonly what: 'joined' | 'assigned' | 'revoked' | 'lost'
  readonly partitions: readonly number[]
  readonly atMs: number
}

const EVENTS_MAX = 8

export class RebalanceLog {
  #events: readonly RebalanceEvent[] = []

  /** The newest first. */
  get events(): readonly RebalanceEvent[] {
    return this.#events
  }

  note(what: RebalanceEvent['what'], partitions: readonly number[], atMs: number): void {
    // Nothing was assigned: the tab waits for others to let go, which says little.
    if (what !== 'joined' && partitions.length === 0) return
    this.#events = [
      { what, partitions: partitions.toSorted((a, b) => a - b), atMs },
      ...this.#events,
    ].slice(0, EVENTS_MAX)
  }
}

export function describeEvent({ what, partitions }: RebalanceEvent): string {
  const list = partitions.join(', ')
  const noun = partitions.length === 1 ? `partition ${list}` : `partitions ${list}`
  switch (what) {
    case 'joined':
      return 'joined the group'
    case 'assigned':
      return `was given ${noun}`
    case 'revoked':
      return `handed over ${noun}`
    case 'lost':
      return `lost ${noun}`
  }
}
