/** One message whole: where it is, its headers, and its value in three ways. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { bytesOf, hexDump, utf8Bytes, utf8Text } from '../format/bytes.js'
import { errorText } from '../format/error-text.js'
import { formatBytes, formatTimestamp } from '../format/format.js'
import { jsonText } from '../format/json-text.js'
import { Facts, type Fact } from '../parts/facts.js'
import { download } from './download.js'
import type { MessageRow, Row } from './message-scan.js'
import { cutText, fileName, keyText } from './message-text.js'

const CHARS_SHOWN = 100_000
const BYTES_SHOWN = 16_384
const HEADER_VALUES_SHOWN = 50

const WAYS = ['json', 'text', 'hex'] as const
type Way = (typeof WAYS)[number]
const WAY_NAMES: Readonly<Record<Way, string>> = { json: 'JSON', text: 'Text', hex: 'Hex' }

export interface MessageDetailProps {
  readonly topic: string
  readonly row: Row
  readonly onClose: () => void
}

export function MessageDetail({ topic, row, onClose }: MessageDetailProps) {
  const frame = useRef<HTMLElement>(null)
  // In a narrow console it is below the list.
  useEffect(() => frame.current?.scrollIntoView({ block: 'nearest' }), [row])
  return (
    <section class="detail section" aria-label="Message" ref={frame}>
      <div class="head">
        <h3>
          Partition {row.partition}, offset {row.offset}
        </h3>
        <button type="button" onClick={onClose}>
          Close
        </button>
      </div>
      {row.type === 'message' ? <Message topic={topic} message={row} /> : <Damaged row={row} />}
    </section>
  )
}

function Damaged({ row }: { readonly row: Extract<Row, { type: 'damaged' }> }) {
  return (
    <>
      <p class="error">{row.reason}</p>
      <p>
        {row.nextOffset === undefined
          ? 'What comes behind it is not known; nothing more of this partition can be read.'
          : `The next that can be read is at ${row.nextOffset}.`}
      </p>
    </>
  )
}

interface MessageProps {
  readonly topic: string
  readonly message: MessageRow
}

function Message({ topic, message }: MessageProps) {
  const { timestamp, key, headers, codec, undecoded } = message
  const time = (name: string, ms: number | undefined): Fact[] =>
    ms === undefined ? [] : [[name, formatTimestamp(ms)]]
  const facts: Fact[] = [
    ['Time', formatTimestamp(timestamp)],
    ['Key', <code>{keyText(key)}</code>],
    ['Codec', codec],
    ...time('Deliver at', message.deliverAt),
    ...time('Expires at', message.expiresAt),
    ...(message.priority === undefined ? [] : [['Priority', message.priority] as const]),
    ...(message.messageId === undefined
      ? []
      : [['Message id', <code>{message.messageId}</code>] as const]),
    ...(message.replyTo === undefined
      ? []
      : [['Request of', <code>{message.replyTo.sessionId}</code>] as const]),
  ]
  const entries = Object.entries(headers)
  return (
    <>
      <Facts facts={facts} />
      {entries.length > 0 && (
        <div class="scroll" role="region" aria-label="Headers" tabIndex={0}>
          <table>
            <caption class="hidden">Headers</caption>
            <thead>
              <tr>
                <th scope="col">Header</th>
                <th scope="col">Value</th>
              </tr>
            </thead>
            <tbody>
              {entries.map(([name, value]) => (
                <tr key={name}>
                  <th scope="row">
                    <code class="break">{name}</code>
                  </th>
                  <td>
                    <code class="break">{headerText(value)}</code>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {undecoded !== undefined && (
        <p class="error">The value cannot be decoded. {errorText(undecoded)}</p>
      )}
      <Value topic={topic} message={message} />
    </>
  )
}

function headerText(value: unknown): string {
  return [value]
    .flat()
    .slice(0, HEADER_VALUES_SHOWN)
    .map((one) => cutText(one instanceof Uint8Array ? utf8Text(one) : String(one)))
    .join(', ')
}

function Value({ topic, message }: MessageProps) {
  const { value } = message
  const [chosen, setChosen] = useState<{ message: MessageRow; way: Way }>()
  const way = chosen?.message === message ? chosen.way : ownWay(value)
  const { text, note, isCut } = shown(value, way)
  return (
    <div class="section">
      <div class="row" role="group" aria-label="How to show the value">
        {WAYS.map((one) => (
          <button
            key={one}
            type="button"
            aria-pressed={one === way}
            onClick={() => setChosen({ message, way: one })}
          >
            {WAY_NAMES[one]}
          </button>
        ))}
        <span class="fill" />
        <button type="button" onClick={() => save(topic, message)}>
          Download
        </button>
      </div>
      {note !== undefined && <p class="muted">{note}</p>}
      <pre class="value mono" tabIndex={0} role="region" aria-label="Value">
        {text}
      </pre>
      {isCut && <p class="warn-text">This is only its beginning. Download it to have all of it.</p>}
    </div>
  )
}

function ownWay(value: unknown): Way {
  if (bytesOf(value) !== undefined) return 'hex'
  return typeof value === 'string' ? 'text' : 'json'
}

interface Shown {
  readonly text: string
  readonly note?: string
  readonly isCut: boolean
}

function shown(value: unknown, way: Way): Shown {
  const bytes = bytesOf(value)
  switch (way) {
    case 'json': {
      const { text, isCut } = jsonText(value, { indent: 2, charsMax: CHARS_SHOWN })
      return { text, isCut }
    }
    case 'text': {
      if (typeof value === 'string') {
        return { text: value.slice(0, CHARS_SHOWN), isCut: value.length > CHARS_SHOWN }
      }
      if (bytes === undefined) return shown(value, 'json')
      const text = utf8Text(bytes.subarray(0, CHARS_SHOWN))
      return {
        text,
        isCut: bytes.length > CHARS_SHOWN,
        note: `${formatBytes(bytes.length)} as UTF-8`,
      }
    }
    case 'hex': {
      const own = bytes ?? utf8Bytes(asText(value, BYTES_SHOWN + 1))
      const note =
        bytes !== undefined
          ? formatBytes(bytes.length)
          : typeof value === 'string'
            ? 'The text as UTF-8'
            : 'The value written as JSON: its bytes in the log stand together with those of others'
      return { text: hexDump(own.subarray(0, BYTES_SHOWN)), isCut: own.length > BYTES_SHOWN, note }
    }
  }
}

function asText(value: unknown, charsMax: number): string {
  return typeof value === 'string' ? value.slice(0, charsMax) : jsonText(value, { charsMax }).text
}

function save(topic: string, message: MessageRow): void {
  const { value } = message
  const bytes = bytesOf(value)
  const name = (ending: string) => fileName(topic, message, ending)
  if (bytes !== undefined) download(name('bin'), [bytes.slice()], 'application/octet-stream')
  else if (typeof value === 'string') download(name('txt'), [value], 'text/plain')
  else download(name('json'), [jsonText(value, { indent: 2 }).text], 'application/json')
}
