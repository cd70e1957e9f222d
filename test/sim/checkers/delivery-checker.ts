/**
 * What handlers are given: only what is durable, and what is in the log at that offset; a message no
 * group has handled before comes only when all before it are handled; and at rest every message was
 * handled by every group.
 */
import { nameOf } from '../durable-log.js'
import type { Checker, CheckerParts, Handling, SimEvent } from '../history.js'

/** How far a group has handled a partition without a gap. */
interface Progress {
  handledUpTo: number
}

export class DeliveryChecker implements Checker {
  readonly name = 'delivery'
  readonly #parts: CheckerParts
  readonly #progress = new Map<string, Progress>()
  /** Groups that read from where the log ended when they came. */
  readonly #fromLatest: ReadonlySet<string>
  readonly #groupIds: readonly string[]

  constructor(
    parts: CheckerParts,
    options: { groupIds: readonly string[]; fromLatest: readonly string[] },
  ) {
    this.#parts = parts
    this.#groupIds = options.groupIds
    this.#fromLatest = new Set(options.fromLatest)
  }

  on(event: SimEvent): void {
    if (event.type === 'durable') {
      for (const record of event.records) {
        if (record.type !== 'offset' || record.value === null) continue
        const place = this.#parts.log.byId(record.partitionId)?.place
        if (place !== undefined) this.#startedAt(record.groupId, nameOf(place), record.value)
      }
    } else if (event.type === 'handling') {
      this.#handling(event)
    } else if (event.type === 'handled') {
      const { reader, place, offset } = event
      const progress = this.#progress.get(keyOf(reader.groupId, nameOf(place)))
      if (progress?.handledUpTo === offset) progress.handledUpTo = offset + 1
    } else if (event.type === 'rest') {
      this.#atRest()
    }
  }

  /** The first commit of a group that reads from the end says where that was. */
  #startedAt(groupId: string, place: string, row: { offset: number }): void {
    const key = keyOf(groupId, place)
    if (!this.#fromLatest.has(groupId) || this.#progress.has(key)) return
    this.#progress.set(key, { handledUpTo: row.offset })
  }

  #handling({ reader, place, offset, id }: Handling): void {
    const { report } = this.#parts
    const what = `${reader.tab} ${reader.groupId} ${nameOf(place)}@${offset}`
    const stored = this.#parts.log.at(place)?.ids[offset]
    if (stored === undefined) report(`${what}: delivered before it was durable`)
    else if (stored !== id) report(`${what}: message ${id} was delivered, ${stored} is in the log`)
    const key = keyOf(reader.groupId, nameOf(place))
    const progress = this.#progress.get(key) ?? { handledUpTo: 0 }
    this.#progress.set(key, progress)
    if (offset > progress.handledUpTo) {
      report(`${what}: delivered before ${progress.handledUpTo} was handled`)
      progress.handledUpTo = offset
    }
  }

  #atRest(): void {
    for (const groupId of this.#groupIds) {
      for (const { place, ids } of this.#parts.log.all()) {
        const start = this.#fromLatest.has(groupId) ? ids.length : 0
        const handledUpTo = this.#progress.get(keyOf(groupId, nameOf(place)))?.handledUpTo ?? start
        if (handledUpTo === ids.length) continue
        this.#parts.report(
          `${groupId} ${nameOf(place)}: handled up to ${handledUpTo} of ${ids.length}`,
        )
      }
    }
  }
}

function keyOf(groupId: string, place: string): string {
  return `${groupId} ${place}`
}
