/** Makes a file of messages: of those in the list, or of all that match, however many there are. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { formatCount, formatQuantity } from '../format/format.js'
import { useConsole } from '../parts/console-context.js'
import { ReadingDialog } from '../parts/dialog.js'
import { SelectField } from '../parts/fields.js'
import { download } from './download.js'
import { exportMatching, type ExportProgress } from './export-matching.js'
import type { MessageRow } from './message-row.js'
import { toNdjson } from './ndjson.js'
import type { CheckedQuery } from './read-form.js'

type Which = 'selected' | 'found' | 'matching'

export interface ExportDialogProps {
  readonly asked: CheckedQuery & { readonly topic: string }
  readonly selected: readonly MessageRow[]
  readonly found: readonly MessageRow[]
  readonly onClose: () => void
}

export function ExportDialog({ asked, selected, found, onClose }: ExportDialogProps) {
  const { session, notify } = useConsole()
  const options: [Which, string][] = [['matching', matchingText(asked)]]
  if (found.length > 0) options.unshift(['found', `the ${formatCount(found.length)} in the list`])
  if (selected.length > 0) {
    options.unshift(['selected', `the ${formatCount(selected.length)} selected`])
  }
  const [which, setWhich] = useState<Which>(options[0]?.[0] ?? 'matching')
  const [progress, setProgress] = useState<ExportProgress>()
  const cancel = useRef(new AbortController())
  useEffect(() => () => cancel.current.abort(), [])

  const submit = async () => {
    const { signal } = cancel.current
    const { topic } = asked
    const listed = which === 'selected' ? selected : found
    const { parts, count, damaged } =
      which === 'matching'
        ? await exportMatching({ ...asked, admin: session.admin, signal, onProgress: setProgress })
        : { parts: toNdjson(topic, listed), count: listed.length, damaged: 0 }
    if (signal.aborted) return
    download(`${topic}.ndjson`, parts, 'application/x-ndjson')
    const without =
      damaged === 0
        ? ''
        : ` ${formatQuantity(damaged, 'stretch', 'stretches')} that cannot be read are not in it.`
    notify(`${formatQuantity(count, 'message')} written to ${topic}.ndjson.${without}`)
  }

  return (
    <ReadingDialog title="Export messages" action="Export" onSubmit={submit} onClose={onClose}>
      <SelectField label="Which" value={which} options={options} onChange={setWhich} />
      <p class="muted">
        A file of one JSON object a line: where the message is, its time, key, headers and value.
      </p>
      {progress !== undefined && (
        <p role="status">
          {formatQuantity(progress.written, 'message')} written, {formatCount(progress.looked)}{' '}
          looked at …
        </p>
      )}
    </ReadingDialog>
  )
}

function matchingText({ start }: CheckedQuery): string {
  const isWhole = start.type !== 'offset' && start.type !== 'time'
  return isWhole ? 'all of the topic that match' : 'all that match, from there on'
}
