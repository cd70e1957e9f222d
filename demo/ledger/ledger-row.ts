/**
 * The rows of the demo's own ledger: what really was sent and what really was handled, written down
 * by the tabs that did it. It is independent of the broker, so that the checker can compare the two.
 * A row belongs to an epoch, the id of the topic: a topic that is cleared gets a new id.
 */
import type { LedgerCountState } from './ledger-count.js'

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
  /** The key of each, once partitions were added: keys may have gone elsewhere. */
  readonly keys?: readonly (string | null)[]
  /** How long before it was written the first was handled. */
  readonly sinceMs?: number
}

/** What is at these offsets and after is to be handled once more. */
export interface ReplayRow extends RowOfTab {
  readonly kind: 'replay'
  /** By partition. What lies before and was not handled is passed over on purpose. */
  readonly from?: readonly number[]
  /** From the beginning of what there is. */
  readonly isWhole?: boolean
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

/**
 * The group was set back, and not by this page: what was handled from there on comes again. Each tab that
 * notices says so, a little later.
 */
export interface SetBackRow extends RowOfTab {
  readonly kind: 'setBack'
  readonly partition: number
  readonly offset: number
}

/** Messages were deleted that the group had not come to. Each tab that notices says so. */
export interface DeletedRow extends RowOfTab {
  readonly kind: 'deleted'
  readonly partition: number
  /** How far the group had come. */
  readonly from: number
  /** Where the log begins now. */
  readonly until: number
}

/** The group was set on while nobody was in it: what it had not come to is passed over. */
export interface SetOnRow extends RowOfTab {
  readonly kind: 'setOn'
  readonly partition: number
  readonly from: number
  readonly until: number
}

export type LedgerRow =
  | SentRow
  | HandledRow
  | ReplayRow
  | CrashRow
  | BrokerRow
  | SetBackRow
  | SetOnRow
  | DeletedRow

/** With a name of its own, so that it can never be in the ledger twice. */
export type NamedRow = LedgerRow & { readonly rowId: string }

/** What all rows in front of it come to, in their place: a ledger that is kept for long stays short. */
export interface SummaryRow {
  readonly kind: 'summary'
  readonly epoch: string
  readonly rowId: string
  readonly state: LedgerCountState
}

/** Where in the ledger a row stands; rows of all tabs share one count. */
export type StoredRow = (NamedRow | SummaryRow) & { readonly position: number }

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
