/**
 * The rows of the demo's own ledger: what really was sent and what really was handled, written down
 * by the tabs that did it. It is independent of the broker, so that the checker can compare the two.
 * A row belongs to an epoch, the id of the topic: a topic that is cleared gets a new id.
 */

interface RowOfTab {
  readonly epoch: string
  /** The number of the tab that the row is about, and that wrote it unless it had crashed. */
  readonly tab: number
  /** When it was written. All tabs have the same clock, so this is the order of things. */
  readonly atMs: number
}

/** Messages whose `send` has resolved. */
export interface SentRow extends RowOfTab {
  readonly kind: 'sent'
  /** The first half of their ids. */
  readonly run: string
  readonly shares: readonly SentShare[]
}

/** Those of them that went to one partition, at consecutive offsets. */
export interface SentShare {
  readonly partition: number
  readonly baseOffset: number
  /** The second halves of their ids. */
  readonly numbers: readonly number[]
}

/** Messages of one partition that one tab has handled, in the order in which it did. */
export interface HandledRow extends RowOfTab {
  readonly kind: 'handled'
  /** Names the life of the tab that handled them. */
  readonly run: string
  readonly partition: number
  readonly offsets: readonly number[]
  /** The id of each; empty for a message that came from elsewhere. */
  readonly ids: readonly string[]
}

/** From here on everything is to be handled once more, or what is at these offsets and after. */
export interface ReplayRow extends RowOfTab {
  readonly kind: 'replay'
  /** By partition. What lies before and was not handled is passed over on purpose. */
  readonly from?: readonly number[]
}

/** A tab has vanished without a goodbye: what it had handled last may not be committed. */
export interface CrashRow extends RowOfTab {
  readonly kind: 'crash'
  /** Names the life that ended so. */
  readonly run: string
}

/** The broker has died, and another began: what was handled and not committed then comes again. */
export interface BrokerRow extends RowOfTab {
  readonly kind: 'broker'
  /** When the other one began. Each tab that notices says so. */
  readonly startedAtMs: number
}

export type LedgerRow = SentRow | HandledRow | ReplayRow | CrashRow | BrokerRow

/** With a name of its own, so that it can never be in the ledger twice. */
export type NamedRow = LedgerRow & { readonly rowId: string }

/** Where in the ledger a row stands; rows of all tabs share one count. */
export type StoredRow = NamedRow & { readonly position: number }

export interface MessageId {
  /** Names one life of one tab. */
  readonly run: string
  /** Counts the messages that it sent. */
  readonly number: number
}

export function formatMessageId({ run, number }: MessageId): string {
  return `${run}.${number}`
}

/** Undefined for what is no id of the demo's. */
export function parseMessageId(text: string): MessageId | undefined {
  const dot = text.lastIndexOf('.')
  const number = Number(text.slice(dot + 1))
  if (dot < 1 || !/^\d+$/.test(text.slice(dot + 1)) || !Number.isSafeInteger(number)) {
    return undefined
  }
  return { run: text.slice(0, dot), number }
}
