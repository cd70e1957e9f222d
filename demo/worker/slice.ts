/**
 * A few messages that one tab has worked on, on their way into the ledger as one row. A message
 * counts as handled when its row is on disk; only then its offset is resolved. When the page goes
 * away there is no time to wait: the row is handed to the browser, which writes it even after the
 * page is gone, and the offset is resolved at once, so that the parting commit covers it.
 */
import type { ReceivedMessage } from '../../src/index.js'
import type { HandledRow } from '../ledger/ledger-row.js'
import { TOPIC_ID_HEADER } from '../names.js'

export interface SliceOptions {
  readonly partition: number
  readonly tab: number
  /** Names this life of the tab. */
  readonly run: string
  readonly append: (row: HandledRow) => Promise<void>
  readonly resolveOffset: (offset: number) => void
  /** For messages that do not say which topic they were sent to. */
  readonly epoch: string
  /** Whether keys are to be written down too. */
  readonly notesKeys: boolean
}

const SLICE_MS_MAX = 30
const SLICE_MESSAGES_MAX = 500

export class Slice {
  readonly #options: SliceOptions
  #offsets: number[] = []
  #ids: string[] = []
  #keys: (string | null)[] = []
  #epoch: string | undefined
  #sinceMs = 0
  /** The offset that the row on its way to disk reaches up to, or messages that were skipped. */
  #written: number | undefined
  #worked: number | undefined
  #hasLeft = false

  constructor(options: SliceOptions) {
    this.#options = options
  }

  /** Whether the row should be written before this message is added. */
  isFull(message: ReceivedMessage, nowMs: number): boolean {
    if (this.#offsets.length === 0) return false
    const isOld = nowMs - this.#sinceMs >= SLICE_MS_MAX
    const isLarge = this.#offsets.length >= SLICE_MESSAGES_MAX
    return isOld || isLarge || epochOf(message, this.#options) !== this.#epoch
  }

  /** The message has been worked on. */
  add(message: ReceivedMessage, nowMs: number): void {
    if (this.#offsets.length === 0) this.#sinceMs = nowMs
    this.#epoch = epochOf(message, this.#options)
    this.#offsets.push(message.offset)
    this.#ids.push(message.messageId ?? '')
    if (this.#options.notesKeys) {
      this.#keys.push(typeof message.key === 'string' ? message.key : null)
    }
    this.#worked = message.offset
  }

  /** Goes past a message without a word to the ledger: what a broken handler would do. */
  skip(message: ReceivedMessage): void {
    this.#worked = message.offset
  }

  /** Writes the row, waits until it is on disk, and resolves the offsets. */
  async write(): Promise<void> {
    const worked = this.#worked
    if (worked === undefined || this.#hasLeft) return
    const written = this.#handOver()
    this.#written = worked
    try {
      await written
    } catch (error) {
      this.#hasLeft = true
      throw error
    }
    if (this.#hasLeft) return
    this.#written = undefined
    this.#worked = undefined
    this.#options.resolveOffset(worked)
  }

  /** The partition is gone without a commit: what is not written yet is left to its next owner. */
  drop(): void {
    this.#hasLeft = true
  }

  /** The page goes away: everything that was worked on is handed over and resolved now. */
  leave(): void {
    if (this.#hasLeft) return
    this.#hasLeft = true
    if (this.#written !== this.#worked) {
      this.#handOver().catch(() => {
        // There is nobody left to tell; without its row the message would count as lost.
      })
    }
    if (this.#worked !== undefined) this.#options.resolveOffset(this.#worked)
  }

  #handOver(): Promise<void> {
    const { append, partition, tab, run, epoch, notesKeys } = this.#options
    const offsets = this.#offsets
    const ids = this.#ids
    const keys = notesKeys ? { keys: this.#keys, sinceMs: performance.now() - this.#sinceMs } : {}
    this.#offsets = []
    this.#ids = []
    this.#keys = []
    if (offsets.length === 0) return Promise.resolve()
    const row = { kind: 'handled', tab, run, partition, offsets, ids, ...keys } as const
    return append({ ...row, atMs: Date.now(), epoch: this.#epoch ?? epoch })
  }
}

function epochOf(message: ReceivedMessage, { epoch }: SliceOptions): string {
  return headerOf(message, TOPIC_ID_HEADER) ?? epoch
}

function headerOf({ headers }: ReceivedMessage, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}
