/** What every form that makes a message has: its value as something, and its headers. */
import { SelectField, TextField } from '../parts/fields.js'
import type { MessageErrors, MessageText, ValueKind } from './typed-message.js'

const KINDS: readonly (readonly [ValueKind, string])[] = [
  ['json', 'JSON'],
  ['text', 'Text'],
  ['hex', 'Bytes, as hex'],
  ['null', 'null (tombstone)'],
]

export interface MessageFieldsProps {
  readonly text: MessageText
  readonly errors: MessageErrors
  readonly change: (part: Partial<MessageText>) => void
}

export function ValueKindField({ text, change }: Omit<MessageFieldsProps, 'errors'>) {
  return (
    <SelectField
      label="Value is"
      value={text.kind}
      options={KINDS}
      onChange={(kind) => change({ kind })}
    />
  )
}

export function ValueAndHeaders({ text, errors, change }: MessageFieldsProps) {
  return (
    <>
      {text.kind !== 'null' && (
        <TextField
          label="Value"
          rows={6}
          value={text.value}
          error={errors.value}
          onInput={(value) => change({ value })}
          isMono
        />
      )}
      <TextField
        label="Headers"
        hint="One “name: value” a line."
        rows={2}
        value={text.headers}
        error={errors.headers}
        onInput={(headers) => change({ headers })}
        isMono
      />
    </>
  )
}
