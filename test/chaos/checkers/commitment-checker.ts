/**
 * What a commit that was acknowledged promises: the database keeps it, and nothing below it comes
 * again to whoever takes the partition up later. Where somebody seeks, both end.
 */
import { nameOf } from '../../sim/durable-log.js'
import type { Report } from '../../sim/history.js'
import type { Holding, OffsetOnDisk, RecordedEvent, RecordedMessage } from '../record.js'

export class CommitmentChecker {
  readonly #report: Report
  readonly #placeOf: ReadonlyMap<number, string>
  /** Of each group and partition, what was acknowledged as committed. */
  readonly #committed = new Map<string, number>()
  readonly #sought = new Set<string>()
  /** Of each consumer and partition, what was committed when it took the partition up. */
  readonly #floors = new Map<string, number>()
  /** What had been acknowledged when the database was looked at. */
  #before = new Map<string, number>()

  /** With the place of each partition id. */
  constructor(report: Report, placeOf: ReadonlyMap<number, string>) {
    this.#report = report
    this.#placeOf = placeOf
  }

  on(event: RecordedEvent): void {
    switch (event.type) {
      case 'committed':
        for (const { offset, ...place } of event.offsets) {
          const key = keyOf(event.reader.groupId, nameOf(place))
          this.#committed.set(key, Math.max(offset, this.#committed.get(key) ?? 0))
        }
        return
      case 'looking':
        this.#before = new Map(this.#committed)
        return
      case 'offsets':
        return this.#onDisk(event.rows)
      case 'assigned':
        return this.#assigned(event)
      case 'handling':
        return this.#handling(event)
      case 'sought':
        this.#sought.add(keyOf(event.groupId, nameOf(event.place)))
        return
      default:
    }
  }

  #onDisk(rows: readonly OffsetOnDisk[]): void {
    const found = new Map(
      rows.map(([groupId, partitionId, offset]) => [
        keyOf(groupId, this.#placeOf.get(partitionId) ?? `partition ${partitionId}`),
        offset,
      ]),
    )
    for (const [key, committed] of this.#before) {
      const offset = found.get(key)
      if (this.#sought.has(key) || (offset !== undefined && offset >= committed)) continue
      this.#report(`${key}: ${committed} was committed, ${offset ?? 'nothing'} is on the disk`)
    }
  }

  #assigned({ reader, places }: Holding): void {
    for (const place of places.map(nameOf)) {
      const floor = this.#committed.get(keyOf(reader.groupId, place)) ?? 0
      this.#floors.set(keyOf(reader.consumer, place), floor)
    }
  }

  #handling({ reader, offset, ...rest }: RecordedMessage): void {
    const place = nameOf(rest.place)
    const floor = this.#floors.get(keyOf(reader.consumer, place)) ?? 0
    if (offset >= floor || this.#sought.has(keyOf(reader.groupId, place))) return
    this.#report(
      `${reader.consumer} was given ${place}@${offset}, and took it up with ${floor} committed`,
    )
  }
}

function keyOf(group: string, place: string): string {
  return `${group} ${place}`
}
