/**
 * Sending files: chosen here, or dropped anywhere on the page. A file of one's own is looked at first,
 * so that its key can be chosen.
 */
import { useEffect, useRef } from 'preact/hooks'
import { useParts } from '../app/parts.js'
import { useCell } from '../app/use-cell.js'
import { describeKind } from '../files/file-kind.js'
import type { KeyChoice } from '../files/key-column.js'
import { formatBytes } from '../format.js'
import type { ChosenFile } from './file-sending.js'

const BY_LINE = 'line'
const BY_NONE = 'none'
const BY_COLUMN = 'column:'

export function FilePart() {
  const { files } = useParts().demo
  const chosen = useCell(files.chosen)
  const choose = useRef<HTMLButtonElement>(null)
  const input = useRef<HTMLInputElement>(null)
  const focusChoose = () => choose.current?.focus()
  return (
    <div class="file-part">
      <div class="buttons">
        <button ref={choose} type="button" onClick={() => input.current?.click()}>
          Choose a file
        </button>
        <input
          ref={input}
          id="file"
          type="file"
          class="visually-hidden"
          tabIndex={-1}
          aria-label="A file to send"
          onChange={({ currentTarget }) => {
            const [file] = currentTarget.files ?? []
            currentTarget.value = ''
            if (file !== undefined) void files.choose(file)
          }}
        />
        <span class="hint">or drop one anywhere: CSV, TSV, JSON, text</span>
      </div>
      {chosen !== undefined && <KeyForm key={chosen.file} chosen={chosen} onCancel={focusChoose} />}
      <Progress onEnd={focusChoose} />
    </div>
  )
}

function KeyForm({ chosen, onCancel }: { chosen: ChosenFile; onCancel: () => void }) {
  const { files } = useParts().demo
  const { file, preview } = chosen
  const key = useRef<HTMLSelectElement>(null)
  useEffect(() => key.current?.focus(), [chosen])
  return (
    <form
      class="file-form"
      onSubmit={(event) => {
        event.preventDefault()
        void files.send(chosen, choiceOf(key.current?.value ?? BY_NONE))
      }}
    >
      <p class="file-name">
        {file.name}: {describeKind(preview.kind)}, {formatBytes(file.size)}
      </p>
      <p class="field">
        <label for="file-key">Key</label>
        <select ref={key} id="file-key">
          {preview.columns.map((column) => (
            <option key={column} value={BY_COLUMN + column} selected={column === preview.keyColumn}>
              {column}
            </option>
          ))}
          {preview.columns.length === 0 && <option value={BY_LINE}>the line itself</option>}
          <option value={BY_NONE}>none: spread the rows evenly</option>
        </select>
      </p>
      <p class="hint">Rows of one key go to one partition and stay in order.</p>
      <div class="buttons">
        <button type="submit" class="primary">
          Send the file
        </button>
        <button
          type="button"
          onClick={() => {
            files.forget()
            onCancel()
          }}
        >
          Cancel
        </button>
      </div>
    </form>
  )
}

/** While a file is sent by the form, its stop button has the focus, and hands it back at the end. */
function Progress({ onEnd }: { onEnd: () => void }) {
  const { files } = useParts().demo
  const status = useCell(files.status)
  const stop = useRef<HTMLButtonElement>(null)
  const isUnderWay = status?.isUnderWay ?? false
  useEffect(() => {
    if (!isUnderWay) return
    // The form that had the focus is gone.
    if (document.activeElement === document.body) stop.current?.focus()
    return () => {
      if (document.activeElement === document.body) onEnd()
    }
  }, [isUnderWay])
  if (status === undefined) return null
  return (
    <div class="file-progress">
      <progress max={1} value={status.done} aria-label="How much of the file is sent" />
      <p>{status.text}</p>
      {isUnderWay && (
        <div class="buttons">
          <button ref={stop} type="button" onClick={() => files.stop()}>
            Stop sending
          </button>
        </div>
      )}
    </div>
  )
}

function choiceOf(value: string): KeyChoice {
  if (value === BY_LINE) return { by: 'line' }
  if (!value.startsWith(BY_COLUMN)) return { by: 'none' }
  return { by: 'column', column: value.slice(BY_COLUMN.length) }
}
