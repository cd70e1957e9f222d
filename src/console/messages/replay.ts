/**
 * Sends messages of a list once more, in their order, so many at a time. It knows how far it has come: after a
 * failure it goes on behind what was sent.
 */
import type { Message, Producer } from '../../index.js'
import { errorText } from '../format/error-text.js'
import { formatCount } from '../format/format.js'
import { inOrder, type MessageRow } from './message-row.js'

const AT_ONCE = 500

export interface ReplayTarget {
  readonly producer: Pick<Producer, 'send'>
  readonly topic: string
  /** Whether each goes to the partition that it was in, whatever its key. */
  readonly keepsPartitions: boolean
  /** Between two requests it stops. */
  readonly signal: AbortSignal
}

export class Replay {
  readonly #rows: readonly MessageRow[]
  #next = 0
  #leftOut = 0
  #refused: MessageRow | undefined

  constructor(rows: readonly MessageRow[]) {
    this.#rows = inOrder(rows)
  }

  get sent(): number {
    return this.#next - this.#leftOut
  }

  get leftOut(): number {
    return this.#leftOut
  }

  /** The next, which the topic did not take; undefined where the next may be taken. */
  get refused(): MessageRow | undefined {
    return this.#refused
  }

  /** Goes on behind the one that was refused. */
  leaveOut(): void {
    if (this.#refused === undefined) return
    this.#refused = undefined
    this.#next += 1
    this.#leftOut += 1
  }

  /** @throws Error that says how many were sent, and which one was not */
  async run(target: ReplayTarget): Promise<void> {
    this.#refused = undefined
    while (this.#next < this.#rows.length && !target.signal.aborted) {
      const batch = this.#rows.slice(this.#next, this.#next + AT_ONCE)
      try {
        await this.#send(batch, target)
      } catch (error) {
        throw await this.#explained(error, batch, target)
      }
    }
  }

  async #send(batch: readonly MessageRow[], target: ReplayTarget): Promise<void> {
    const { producer, topic, keepsPartitions } = target
    const messages = batch.map((row) => toMessage(row, keepsPartitions))
    await producer.send({ topic, messages })
    this.#next += batch.length
  }

  /** Of a batch with a message that is refused nothing was sent; those in front of it can be. */
  async #explained(
    error: unknown,
    batch: readonly MessageRow[],
    target: ReplayTarget,
  ): Promise<Error> {
    const position = positionIn(error)
    const refused = position === undefined ? undefined : batch[position]
    if (position === undefined || refused === undefined) {
      const unsure = `Of the next ${formatCount(batch.length)} it is not known; sending again begins with them`
      return new Error(`${this.#sentText()} ${unsure}. ${errorText(error)}`, { cause: error })
    }
    if (position > 0) {
      try {
        await this.#send(batch.slice(0, position), target)
      } catch (failure) {
        return this.#explained(failure, batch.slice(0, position), target)
      }
    }
    this.#refused = refused
    const what = errorText(error).replace(/^messages?(?: \d+|\[\d+\])/, 'it')
    const place = `The one at partition ${refused.partition}, offset ${refused.offset} was not`
    return new Error(`${this.#sentText()} ${place}: ${what}`, { cause: error })
  }

  #sentText(): string {
    return `${formatCount(this.sent)} of ${formatCount(this.#rows.length)} were sent.`
  }
}

function toMessage(row: MessageRow, keepsPartitions: boolean): Message {
  const { key, value, headers, priority, partition } = row
  return {
    key,
    value,
    headers,
    ...(priority === undefined ? {} : { priority }),
    ...(keepsPartitions ? { partition } : {}),
  }
}

/** Which message of a request an error is about. */
function positionIn(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { details } = error as { details?: { position?: unknown } }
  return typeof details?.position === 'number' ? details.position : undefined
}
