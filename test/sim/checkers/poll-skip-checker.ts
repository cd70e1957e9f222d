/**
 * Nothing is left out: the first message of an assignment is not beyond what the group has handled,
 * and within it each follows the one before. Only what lies below the log start may be skipped, since
 * it is there no more.
 */
import { nameOf, pastVoid, type DurablePartition } from '../durable-log.js'
import type { Checker, CheckerParts, Handling, SimEvent } from '../history.js'
import type { GroupProgress } from './group-progress.js'
import type { Stints } from './stints.js'

export class PollSkipChecker implements Checker {
  readonly name = 'poll-skip'
  readonly #parts: CheckerParts
  readonly #progress: GroupProgress
  readonly #stints: Stints

  constructor(parts: CheckerParts, shared: { progress: GroupProgress; stints: Stints }) {
    this.#parts = parts
    this.#progress = shared.progress
    this.#stints = shared.stints
  }

  on(event: SimEvent): void {
    if (event.type !== 'handling') return
    const partition = this.#parts.log.lifeOf(event)
    if (partition === undefined) return
    const { groupId } = event.reader
    const { offset } = event
    if (this.#progress.isSoughtTo(groupId, partition, offset)) return
    const frontier = this.#progress.frontier(groupId, partition)
    if (frontier === undefined) return
    if (offset > frontier) this.#report(event, frontier)
    else this.#checkNext(event, partition)
  }

  #checkNext(event: Handling, partition: DurablePartition): void {
    const stint = this.#stints.of(event)
    if (stint?.next === undefined || stint.partition !== partition) return
    if (stint.next < partition.logStartOffset && this.#progress.isFromLatest(event.reader.groupId))
      return
    const next = pastVoid(partition, Math.max(stint.next, partition.logStartOffset))
    if (event.offset > next) this.#report(event, next)
  }

  #report({ reader, place, offset }: Handling, skipped: number): void {
    const what = `${reader.consumer} ${nameOf(place)}@${offset}`
    this.#parts.report(`${what}: delivered before ${skipped} was handled`)
  }
}
