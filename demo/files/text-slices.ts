/**
 * A file as text, slice by slice, so that a large one neither fills the memory nor stops the page.
 * Characters and line ends that lie across two slices stay whole.
 */
import { FileError } from './row-reader.js'

export interface TextSlice {
  readonly text: string
  /** How much of the file has been read. */
  readonly bytesRead: number
}

const SLICE_BYTES = 256 * 1024

/** @throws FileError when it is empty, or not text */
export async function* textSlices(file: Blob, sliceBytes = SLICE_BYTES): AsyncGenerator<TextSlice> {
  if (file.size === 0) throw new FileError('The file is empty. There is nothing to send.')
  const decoder = new TextDecoder(await encodingOf(file), { fatal: true })
  let isAfterReturn = false
  let linesBefore = 0
  for (let from = 0; from < file.size; from += sliceBytes) {
    const bytes = await readBytes(file.slice(from, from + sliceBytes))
    const isLast = from + sliceBytes >= file.size
    const raw = decodeOrThrow(decoder, bytes, { stream: !isLast, linesBefore })
    // A return at the end of a slice waits for the line feed that may come with the next.
    const text: string = (isAfterReturn ? '\r' : '') + raw
    isAfterReturn = !isLast && text.endsWith('\r')
    const normal = (isAfterReturn ? text.slice(0, -1) : text).replaceAll(/\r\n?/g, '\n')
    linesBefore += normal.split('\n').length - 1
    yield { text: normal, bytesRead: Math.min(file.size, from + sliceBytes) }
  }
}

async function readBytes(blob: Blob): Promise<ArrayBuffer> {
  try {
    return await blob.arrayBuffer()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new FileError(`The file cannot be read: ${reason}`)
  }
}

/** A byte order mark tells UTF-16; everything else is taken for UTF-8. */
async function encodingOf(file: Blob): Promise<string> {
  const [first, second] = new Uint8Array(await readBytes(file.slice(0, 2)))
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  if (first === 0xfe && second === 0xff) return 'utf-16be'
  return 'utf-8'
}

function decodeOrThrow(
  decoder: TextDecoder,
  bytes: ArrayBuffer,
  { stream, linesBefore }: { stream: boolean; linesBefore: number },
): string {
  let text: string | undefined
  try {
    text = decoder.decode(bytes, { stream })
  } catch {
    // It is said below.
  }
  if (text !== undefined && !text.includes('\0')) return text
  const where = linesBefore === 0 ? '' : ` after line ${linesBefore}`
  throw new FileError(
    `This is not a text file in UTF-8${where}. CSV, TSV, NDJSON, JSON and log files are.`,
  )
}
