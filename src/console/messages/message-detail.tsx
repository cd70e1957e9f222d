/** One message whole: where it is, its headers, and its value in three ways. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { bytesOf, toHex } from '../format/bytes.js'
import { errorText } from '../format/error-text.js'
import { exactText, unturnedText } from '../format/exact-text.js'
import { formatTimestamp } from '../format/format.js'
import { jsonText } from '../format/json-text.js'
import { useConsole } from '../parts/console-context.js'
import { Facts, type Fact } from '../parts/facts.js'
import { download } from './download.js'
import type { MessageRow, Row } from './message-row.js'
import { fileName } from './message-text.js'
import { ownWay, shown, WAYS, wholeText, type Way } from './shown-value.js'

const EXACT_CHARS_SHOWN = 10_000
const HEADER_VALUES_SHOWN = 500

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
  const close = () => {
    // Back to the list that it was opened from, rather than to the beginning of the page.
    frame.current?.parentElement?.querySelector<HTMLElement>('[role=grid]')?.focus()
    onClose()
  }
  return (
    <section class="detail section" aria-label="Message" ref={frame}>
      <div class="head">
        <h3>
          <span class="break">{topic}</span>, partition {row.partition}, offset {row.offset}
        </h3>
        <button type="button" onClick={close}>
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
    ['Key', <Exact what="Key" value={key} />],
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
  // A header with several values has a line for each.
  const all = Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().map((value) => ({ name, value })),
  )
  const entries = all.slice(0, HEADER_VALUES_SHOWN)
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
              {entries.map(({ name, value }, index) => (
                <tr key={index}>
                  <th scope="row">
                    <code class="break exact">{exactText(name)}</code>
                  </th>
                  <td>
                    <Exact what={`Header ${name}`} value={value} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {entries.length < all.length && (
            <p class="warn-text">{all.length - entries.length} more are not shown.</p>
          )}
        </div>
      )}
      {undecoded !== undefined && (
        <p class="error">The value cannot be decoded. {errorText(undecoded)}</p>
      )}
      <Value topic={topic} message={message} />
    </>
  )
}

interface ExactProps {
  readonly what: string
  readonly value: string | Uint8Array | null
}

/** A key or a header's value, as it is; of a very long one the beginning, and all of it to be copied. */
function Exact({ what, value }: ExactProps) {
  if (value === null) return <span class="muted">none (null)</span>
  const isCut = value.length > EXACT_CHARS_SHOWN
  return (
    <span class="row">
      <code class="break exact fill">{exactText(value, EXACT_CHARS_SHOWN)}</code>
      <Copy what={what} text={() => (typeof value === 'string' ? value : toHex(value))} />
      {isCut && <span class="warn-text">This is only its beginning; a copy has all of it.</span>}
    </span>
  )
}

interface CopyProps {
  readonly what: string
  readonly text: () => string
}

function Copy({ what, text }: CopyProps) {
  const { notify } = useConsole()
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text())
      notify(`${what} copied.`)
    } catch (error) {
      notify(`${what} was not copied: ${errorText(error)}`)
    }
  }
  return (
    <button type="button" onClick={() => void copy()}>
      Copy<span class="hidden"> {what}</span>
    </button>
  )
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
        <Copy what="Value" text={() => wholeText(value, way)} />
        <button type="button" onClick={() => save(topic, message)}>
          Download
        </button>
      </div>
      {note !== undefined && <p class="muted">{note}</p>}
      <pre class="value mono" tabIndex={0} role="region" aria-label="Value">
        {unturnedText(text)}
      </pre>
      {isCut && <p class="warn-text">This is only its beginning. Download it to have all of it.</p>}
    </div>
  )
}

function save(topic: string, message: MessageRow): void {
  const { value } = message
  const bytes = bytesOf(value)
  const name = (ending: string) => fileName(topic, message, ending)
  if (bytes !== undefined) download(name('bin'), [bytes.slice()], 'application/octet-stream')
  else if (typeof value === 'string') download(name('txt'), [value], 'text/plain')
  else download(name('json'), [jsonText(value, { indent: 2 }).text], 'application/json')
}
