/** JSON: one value per line (NDJSON), or one array in the whole file. */
import { LineReader } from './line-reader.js'
import { FileError, isTooLong, tooLong, type Row, type RowReader, type Rows } from './row-reader.js'

const ARRAY_LENGTH_MAX = 64_000_000

/** A line that is no JSON is sent as the text it is, and named. */
export function ndjsonReader(): RowReader {
  return new LineReader((text, line) => {
    try {
      return { row: { line, value: JSON.parse(text) as unknown } }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      const problem = { line, text: `is not valid JSON and was sent as text (${reason})` }
      return { row: { line, value: text }, problem }
    }
  })
}

/** The whole text has to be there before any of it can be read. */
export class JsonArrayReader implements RowReader {
  #parts: string[] = []
  #length = 0

  push(text: string): Rows {
    this.#length += text.length
    if (this.#length > ARRAY_LENGTH_MAX) {
      throw new FileError(
        'A JSON array must fit into 64 MB. Larger data can come as NDJSON, one value per line.',
      )
    }
    this.#parts.push(text)
    return { rows: [], problems: [] }
  }

  end(): Rows {
    const text = this.#parts.join('')
    this.#parts = []
    const parsed = parseOrThrow(text)
    const values: readonly unknown[] = Array.isArray(parsed) ? parsed : [parsed]
    const isLong = (value: unknown) => isTooLong(JSON.stringify(value))
    const rows = values.map((value, index): Row => ({ line: index + 1, value }))
    const long = rows.filter(({ value }) => isLong(value))
    return {
      rows: rows.filter((row) => !long.includes(row)),
      problems: long.map(({ line }) => tooLong(line)),
    }
  }
}

function parseOrThrow(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new FileError(
      `Line ${lineOfError(text, reason)} is not valid JSON (${reason}). Nothing was sent.`,
    )
  }
}

/** Engines name a position or a line; where one names neither, the end of the text. */
export function lineOfError(text: string, reason: string): number {
  const line = /line (\d+)/.exec(reason)?.[1]
  if (line !== undefined) return Number(line)
  const position = /position (\d+)/.exec(reason)?.[1]
  const until = position === undefined ? text.trimEnd() : text.slice(0, Number(position))
  return until.split('\n').length
}
