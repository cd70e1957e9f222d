/** At the end every message of every topic that they read was handled by every group. */
import type { Checker, CheckerParts, SimEvent } from '../history.js'
import { GroupProgress } from './group-progress.js'

export class UnseenChecker implements Checker {
  readonly name = 'unseen-at-the-end'
  readonly #parts: CheckerParts
  readonly #progress: GroupProgress
  readonly #groupIds: readonly string[]
  readonly #topics: ReadonlySet<string> | undefined

  constructor(
    parts: CheckerParts,
    shared: {
      progress: GroupProgress
      groupIds: readonly string[]
      /** What they read; all when undefined. */
      topics: ReadonlySet<string> | undefined
    },
  ) {
    this.#parts = parts
    this.#progress = shared.progress
    this.#groupIds = shared.groupIds
    this.#topics = shared.topics
  }

  on(event: SimEvent): void {
    if (event.type !== 'rest') return
    for (const groupId of this.#groupIds) {
      for (const partition of this.#parts.log.all()) {
        if (this.#topics?.has(partition.place.topic) === false) continue
        const handledUpTo = this.#progress.frontier(groupId, partition)
        const { length } = partition.ids
        if (handledUpTo === undefined || handledUpTo >= length) continue
        const what = GroupProgress.nameOf(groupId, partition)
        this.#parts.report(`${what}: handled up to ${handledUpTo} of ${length}`)
      }
    }
  }
}
