/** No offset is committed past a message that no handler of the group has finished. */
import type { DurableRecord } from '../../../src/broker/records.js'
import type { Checker, CheckerParts, SimEvent } from '../history.js'
import { GroupProgress } from './group-progress.js'

export class UnhandledCommitChecker implements Checker {
  readonly name = 'unhandled-commit'
  readonly #parts: CheckerParts
  readonly #progress: GroupProgress

  constructor(parts: CheckerParts, progress: GroupProgress) {
    this.#parts = parts
    this.#progress = progress
  }

  on(event: SimEvent): void {
    if (event.type !== 'durable') return
    for (const record of event.records) if (record.type === 'offset') this.#check(record)
  }

  #check({ groupId, partitionId, value }: Extract<DurableRecord, { type: 'offset' }>): void {
    const partition = this.#parts.log.byId(partitionId)
    if (partition === undefined || value === null) return
    const handledUpTo = this.#progress.frontier(groupId, partition)
    if (handledUpTo === undefined || value.offset <= handledUpTo) return
    const what = GroupProgress.nameOf(groupId, partition)
    this.#parts.report(`${what}: committed ${value.offset}, but nobody has handled ${handledUpTo}`)
  }
}
