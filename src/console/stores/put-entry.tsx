/** Puts an entry into a store, or another value in its place. */
import { useState } from 'preact/hooks'
import type { Tabmq } from '../../index.js'
import { fromJsonText, jsonText } from '../format/json-text.js'
import { Dialog, type Done } from '../parts/dialog.js'
import { TextField } from '../parts/fields.js'

export interface PutEntryProps {
  readonly store: string
  /** The one to change; without it, a new one. */
  readonly entry?: readonly [key: string, value: unknown]
  readonly onClose: () => void
  readonly onDone: () => void
}

export function PutEntry({ store, entry, onClose, onDone }: PutEntryProps) {
  const [key, setKey] = useState(entry?.[0] ?? '')
  const [text, setText] = useState(() =>
    entry === undefined ? '' : jsonText(entry[1], { indent: 2 }).text,
  )
  const parsed = parse(text)
  const put = async (writer: Tabmq): Promise<Done> => {
    await writer.store(store).put(key, parsed.value)
    onDone()
    return { said: `${key} was put into ${store}.` }
  }
  return (
    <Dialog
      title={entry === undefined ? `Put into ${store}` : `Change ${key}`}
      action="Put"
      canSubmit={key !== '' && text.trim() !== '' && parsed.error === undefined}
      onSubmit={put}
      onClose={onClose}
    >
      {entry === undefined && (
        <TextField label="Key" value={key} onInput={setKey} isMono required />
      )}
      <TextField
        label="Value, as JSON"
        rows={8}
        value={text}
        error={text.trim() === '' ? undefined : parsed.error}
        onInput={setText}
        isMono
      />
    </Dialog>
  )
}

function parse(text: string): { value?: unknown; error?: string } {
  try {
    return { value: fromJsonText(text) }
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) }
  }
}
