/**
 * Within an assignment a consumer goes forward: no message comes again that its handler has finished,
 * and none from before, unless somebody sought.
 */
import { nameOf } from '../durable-log.js'
import type { Checker, CheckerParts, SimEvent } from '../history.js'
import type { Stints } from './stints.js'

export class NonMonotonicPollChecker implements Checker {
  readonly name = 'non-monotonic-poll'
  readonly #parts: CheckerParts
  readonly #stints: Stints
  /** Groups whose last message comes again when what it changes could not be committed. */
  readonly #counting: ReadonlySet<string>

  constructor(
    parts: CheckerParts,
    { stints, counting }: { stints: Stints; counting: ReadonlySet<string> },
  ) {
    this.#parts = parts
    this.#stints = stints
    this.#counting = counting
  }

  on(event: SimEvent): void {
    if (event.type !== 'handling') return
    const stint = this.#stints.of(event)
    if (stint?.next === undefined || event.offset >= stint.next) return
    const isUncounted = this.#counting.has(event.reader.groupId) && event.offset === stint.next - 1
    if (isUncounted) return
    if (stint.partition !== this.#parts.log.lifeOf(event)) return
    const { reader, place, offset } = event
    const what = `${reader.consumer} ${nameOf(place)}@${offset}`
    this.#parts.report(`${what}: delivered after all before ${stint.next} was handled`)
  }
}
