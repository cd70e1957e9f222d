/** What kind of file it is, from its name and its first lines, and the reader for it. */
import { CsvReader } from './csv-reader.js'
import { JsonArrayReader, ndjsonReader } from './json-reader.js'
import { LineReader } from './line-reader.js'
import type { RowReader } from './row-reader.js'

export type FileKind = 'csv' | 'tsv' | 'ndjson' | 'json' | 'text'

/** @param start the beginning of the file's text */
export function fileKindOf(name: string, start: string): FileKind {
  switch (/\.([^.]+)$/.exec(name.toLowerCase())?.[1]) {
    case 'csv':
      return 'csv'
    case 'tsv':
    case 'tab':
      return 'tsv'
    case 'ndjson':
    case 'jsonl':
      return 'ndjson'
    case 'json':
      return hasJsonLines(start) ? 'ndjson' : 'json'
    default:
      return hasJsonLines(start) ? 'ndjson' : 'text'
  }
}

export function readerOf(kind: FileKind): RowReader {
  switch (kind) {
    case 'csv':
      return new CsvReader()
    case 'tsv':
      return new CsvReader('\t')
    case 'ndjson':
      return ndjsonReader()
    case 'json':
      return new JsonArrayReader()
    case 'text':
      return new LineReader()
  }
}

export function describeKind(kind: FileKind): string {
  switch (kind) {
    case 'csv':
      return 'a table (CSV)'
    case 'tsv':
      return 'a table (TSV)'
    case 'ndjson':
      return 'JSON, one value per line'
    case 'json':
      return 'a JSON array'
    case 'text':
      return 'text, line by line'
  }
}

/** Whether the first line is a JSON object by itself, and the next one begins another. */
function hasJsonLines(start: string): boolean {
  const [first = '', second = ''] = start.split('\n').filter((line) => line.trim() !== '')
  if (!first.trim().startsWith('{')) return false
  try {
    JSON.parse(first)
    return second === '' || second.trim().startsWith('{')
  } catch {
    return false
  }
}
