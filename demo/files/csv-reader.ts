/**
 * Tables: the first row names the columns, every other one becomes an object. Papa Parse splits the
 * fields; it is given the text in slices, and the last row of each, which may go on in the next, is
 * parsed again with it. (Its own streaming of files breaks characters at the seams of its slices.)
 */
import Papa from 'papaparse'
import {
  isTooLong,
  ROW_BYTES_MAX,
  tooLong,
  type Problem,
  type Row,
  type RowReader,
  type Rows,
} from './row-reader.js'

/** A record of the table, split into its fields. */
interface TableRecord {
  readonly line: number
  readonly fields: readonly string[]
  readonly hasOpenQuote: boolean
}

/** Where the fields beyond the last column go. */
export const EXTRA_FIELDS = '(more fields)'

const LINES_TO_GUESS = 10
const LENGTH_TO_GUESS = 100_000

export class CsvReader implements RowReader {
  #delimiter: string | undefined
  #columns: readonly string[] | undefined
  #rest = ''
  #line = 1

  /** @param delimiter found out from the first lines when it is not given */
  constructor(delimiter?: string) {
    this.#delimiter = delimiter
  }

  push(text: string): Rows {
    this.#rest += text
    const problems: Problem[] = []
    const records = this.#parse(this.#rest, { isLast: false })
    if (this.#rest.length > ROW_BYTES_MAX) {
      problems.push(tooLong(this.#line))
      this.#line += this.#rest.split('\n').length - 1
      this.#rest = ''
    }
    return this.#toRows(records, problems)
  }

  end(): Rows {
    return this.#toRows(this.#parse(this.#rest, { isLast: true }), [])
  }

  /** Takes the records out of the text; without `isLast` the last one stays in `#rest`. */
  #parse(text: string, { isLast }: { isLast: boolean }): TableRecord[] {
    this.#delimiter ??= guessDelimiter(text, isLast)
    if (this.#delimiter === undefined) return []
    const records: TableRecord[] = []
    let begin = 0
    let beginOfLast = 0
    let line = this.#line
    let lineOfLast = line
    Papa.parse<string[]>(text, {
      newline: '\n',
      delimiter: this.#delimiter,
      step: ({ data, meta, errors }) => {
        records.push({
          line,
          fields: data,
          hasOpenQuote: errors.some(({ code }) => code === 'MissingQuotes'),
        })
        beginOfLast = begin
        lineOfLast = line
        line += countLineEnds(text, begin, meta.cursor)
        begin = meta.cursor
      },
    })
    if (isLast) {
      this.#rest = ''
      return records
    }
    this.#rest = text.slice(beginOfLast)
    this.#line = lineOfLast
    return records.slice(0, -1)
  }

  #toRows(records: readonly TableRecord[], problems: Problem[]): Rows {
    const rows: Row[] = []
    for (const record of records) {
      if (record.fields.length === 1 && record.fields[0]?.trim() === '') continue
      if (this.#columns === undefined) {
        this.#columns = nameColumns(record.fields)
        continue
      }
      if (isTooLong(record.fields.join('\n'))) {
        problems.push(tooLong(record.line))
        continue
      }
      const { row, problem } = toRow(record, this.#columns)
      rows.push(row)
      if (problem !== undefined) problems.push(problem)
    }
    return { rows, problems }
  }
}

/** Undefined while there are too few lines to tell. Blank lines would mislead Papa Parse. */
function guessDelimiter(text: string, isLast: boolean): string | undefined {
  const lines = text.split('\n', LINES_TO_GUESS + 1)
  if (lines.length <= LINES_TO_GUESS && !isLast && text.length < LENGTH_TO_GUESS) return undefined
  const sample = lines.filter((line) => line.trim() !== '').join('\n')
  return Papa.parse(sample, { preview: LINES_TO_GUESS }).meta.delimiter
}

/** Columns without a name, and those whose name is taken, are numbered. */
export function nameColumns(fields: readonly string[]): string[] {
  const names: string[] = []
  fields.forEach((field, index) => {
    const name = field.trim() === '' ? `column ${index + 1}` : field.trim()
    names.push(names.includes(name) ? `${name} (${index + 1})` : name)
  })
  return names
}

function toRow(
  { line, fields, hasOpenQuote }: TableRecord,
  columns: readonly string[],
): { row: Row; problem?: Problem } {
  const value = Object.fromEntries(columns.map((name, index) => [name, fields[index] ?? '']))
  const extra = fields.slice(columns.length)
  const row: Row = { line, value: extra.length === 0 ? value : { ...value, [EXTRA_FIELDS]: extra } }
  if (hasOpenQuote) {
    return {
      row,
      problem: { line, text: 'opens a quote that is never closed; what follows is one field' },
    }
  }
  if (fields.length === columns.length) return { row }
  const text = `has ${fields.length} fields where the first row has ${columns.length}; it was sent as it is`
  return { row, problem: { line, text } }
}

function countLineEnds(text: string, from: number, to: number): number {
  let count = 0
  for (let at = text.indexOf('\n', from); at !== -1 && at < to; at = text.indexOf('\n', at + 1)) {
    count += 1
  }
  return count
}
