/** Puts slices and readers together: a file as rows, and a first look at it. */
import { fileKindOf, readerOf, type FileKind } from './file-kind.js'
import { columnsOf, guessKeyColumn } from './key-column.js'
import { FileError, type Problem, type Row } from './row-reader.js'
import { textSlices } from './text-slices.js'

export interface FilePart {
  readonly rows: readonly Row[]
  readonly problems: readonly Problem[]
  readonly bytesRead: number
}

export interface FilePreview {
  readonly kind: FileKind
  /** Empty for text. */
  readonly columns: readonly string[]
  readonly keyColumn: string | undefined
}

/** @throws FileError when it is empty, not text, or cannot be read on */
export async function* readFile(file: Blob, kind: FileKind): AsyncGenerator<FilePart> {
  const reader = readerOf(kind)
  for await (const { text, bytesRead } of textSlices(file)) {
    yield { ...reader.push(text), bytesRead }
  }
  yield { ...reader.end(), bytesRead: file.size }
}

/** Reads as much as it takes to know the columns. @throws FileError as {@link readFile} */
export async function previewFile(file: Blob, name: string): Promise<FilePreview> {
  let kind: FileKind | undefined
  for await (const { text } of textSlices(file)) {
    kind = fileKindOf(name, text)
    break
  }
  if (kind === undefined) throw new FileError('The file is empty. There is nothing to send.')
  const rows: Row[] = []
  let problem: Problem | undefined
  for await (const part of readFile(file, kind)) {
    rows.push(...part.rows)
    problem ??= part.problems[0]
    if (rows.length >= 200) break
  }
  if (rows.length === 0) {
    throw new FileError(problem === undefined ? nothingInIt(kind) : nothingGood(problem))
  }
  const columns = columnsOf(rows)
  return { kind, columns, keyColumn: guessKeyColumn(rows, columns) }
}

function nothingGood({ line, text }: Problem): string {
  return `The file has no row that can be sent: line ${line} ${text}.`
}

function nothingInIt(kind: FileKind): string {
  return kind === 'csv' || kind === 'tsv'
    ? 'The file has no rows below its first, which names the columns. There is nothing to send.'
    : 'The file has nothing in it but blank lines. There is nothing to send.'
}
