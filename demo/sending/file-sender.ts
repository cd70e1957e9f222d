/**
 * Sends a file row by row: it is read in slices, sent in groups, a few of them on their way at a
 * time. What cannot be read or sent is reported with its line; what was sent before it stays sent.
 */
import type { FileKind } from '../files/file-kind.js'
import { keyOf, type KeyChoice } from '../files/key-column.js'
import { readFile } from '../files/read-file.js'
import type { Problem, Row } from '../files/row-reader.js'
import type { MessageSender } from './message-sender.js'

export interface FileToSend {
  readonly file: Blob
  readonly kind: FileKind
  readonly key: KeyChoice
}

export interface FileProgress {
  readonly rowsSent: number
  readonly bytesRead: number
  readonly bytes: number
}

export interface FileResult extends FileProgress {
  readonly problems: readonly Problem[]
  /** How many problems there were, named above or not. */
  readonly problemCount: number
  readonly wasStopped: boolean
}

/** A group that could not be sent, and with which line it begins. */
export class GroupError extends Error {
  override readonly name = 'GroupError'
  readonly firstLine: number

  constructor(firstLine: number, cause: unknown) {
    super(`the rows from line ${firstLine} on were not sent`, { cause })
    this.firstLine = firstLine
  }
}

const GROUP_ROWS_MAX = 500
/** Well below a batch, so that a group has consecutive offsets in each partition. */
const GROUP_LENGTH_MAX = 250_000
const GROUPS_UNDER_WAY_MAX = 4
const PROBLEMS_NAMED_MAX = 3

export interface FileSenderOptions {
  readonly signal: AbortSignal
  readonly onProgress: (progress: FileProgress) => void
}

/** @throws FileError, GroupError */
export async function sendFile(
  sender: MessageSender,
  { file, kind, key }: FileToSend,
  { signal, onProgress }: FileSenderOptions,
): Promise<FileResult> {
  const underWay = new Set<Promise<void>>()
  const problems: Problem[] = []
  let problemCount = 0
  let rowsSent = 0
  let bytesRead = 0
  let failed: GroupError | undefined

  const sendGroup = (rows: readonly Row[]): void => {
    const messages = rows.map(({ value }) => ({ key: keyOf(value, key), value }))
    const sending = sender
      .send(messages)
      .then(() => {
        rowsSent += rows.length
        onProgress({ rowsSent, bytesRead, bytes: file.size })
      })
      .catch((error: unknown) => {
        failed ??= new GroupError(rows[0]?.line ?? 1, error)
      })
      .finally(() => underWay.delete(sending))
    underWay.add(sending)
  }

  try {
    for await (const part of readFile(file, kind)) {
      bytesRead = part.bytesRead
      problemCount += part.problems.length
      problems.push(...part.problems.slice(0, PROBLEMS_NAMED_MAX - problems.length))
      for (const group of groupsOf(part.rows)) {
        if (signal.aborted || failed !== undefined) break
        sendGroup(group)
        if (underWay.size >= GROUPS_UNDER_WAY_MAX) await Promise.race(underWay)
      }
      if (signal.aborted || failed !== undefined) break
    }
  } finally {
    await Promise.all(underWay)
  }
  if (failed !== undefined) throw failed
  const wasStopped = signal.aborted
  return { rowsSent, bytesRead, bytes: file.size, problems, problemCount, wasStopped }
}

/** Splits rows into groups that fit into one `send`. */
export function* groupsOf(rows: readonly Row[]): Generator<Row[]> {
  let group: Row[] = []
  let length = 0
  for (const row of rows) {
    const rowLength = lengthOf(row.value)
    const isFull = group.length >= GROUP_ROWS_MAX || length + rowLength > GROUP_LENGTH_MAX
    if (isFull && group.length > 0) {
      yield group
      group = []
      length = 0
    }
    group.push(row)
    length += rowLength
  }
  if (group.length > 0) yield group
}

function lengthOf(value: unknown): number {
  return typeof value === 'string' ? value.length : JSON.stringify(value).length
}
