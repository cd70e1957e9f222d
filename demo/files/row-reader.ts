/**
 * What all readers of files have in common: text goes in, slice by slice, rows come out. A reader
 * never drops a line in silence: what it cannot read as the file's kind is sent as the text it is,
 * or left out with a problem that names the line.
 */

export interface Row {
  /** Where it begins in the file, from 1. */
  readonly line: number
  /** An object for a table's row or a JSON line, a string for a line of text. */
  readonly value: unknown
}

export interface Problem {
  readonly line: number
  readonly text: string
}

export interface Rows {
  readonly rows: readonly Row[]
  readonly problems: readonly Problem[]
}

export interface RowReader {
  /** Takes the next slice of text. Line ends in it are `\n`. */
  push(text: string): Rows
  /** There is no more text. */
  end(): Rows
}

/** The file cannot be read, or not any further; the message says why, for people. */
export class FileError extends Error {
  override readonly name = 'FileError'
}

/** A message may be a mebibyte; what is longer is left out. */
export const ROW_BYTES_MAX = 1_000_000

const encoder = new TextEncoder()

export function isTooLong(text: string): boolean {
  if (text.length > ROW_BYTES_MAX) return true
  // No character takes more than three bytes per unit of its length.
  return text.length * 3 > ROW_BYTES_MAX && encoder.encode(text).length > ROW_BYTES_MAX
}

export function tooLong(line: number): Problem {
  return { line, text: 'is longer than 1 MB and was left out' }
}
