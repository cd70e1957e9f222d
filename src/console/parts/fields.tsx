/** Labelled inputs. A text that is wrong says so beside it. */
import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'

interface FieldProps {
  readonly label: string
  readonly hint?: ComponentChildren
  readonly error?: ComponentChildren
  readonly class?: string
}

export interface TextFieldProps extends FieldProps {
  readonly value: string
  readonly onInput: (value: string) => void
  readonly placeholder?: string
  /** `number` is for whole ones, which `readWholeNumber` reads. */
  readonly type?: 'text' | 'number' | 'search' | 'datetime-local'
  readonly rows?: number
  readonly isMono?: boolean
  readonly required?: boolean
}

export function TextField(props: TextFieldProps) {
  const { label, hint, error, value, onInput, rows, isMono = false, type = 'text' } = props
  const id = useId()
  const noteId = useId()
  const hasNote = hint !== undefined || error !== undefined
  const common = {
    id,
    value,
    placeholder: props.placeholder,
    required: props.required,
    class: isMono ? 'mono' : undefined,
    spellcheck: false,
    'aria-invalid': error !== undefined,
    'aria-describedby': hasNote ? noteId : undefined,
    onInput: (event: Event) => onInput((event.currentTarget as HTMLInputElement).value),
  }
  return (
    <div class={`field ${props.class ?? ''}`}>
      <label for={id}>{label}</label>
      {rows === undefined ? (
        <input
          // A field of the type number is empty to a script when what is typed is none.
          inputMode={type === 'number' ? 'numeric' : undefined}
          // Preact's types tie each type to the roles that it may have.
          {...({ type: type === 'number' ? 'text' : type } as { type: 'text' })}
          step={type === 'datetime-local' ? '0.001' : undefined}
          autocomplete="off"
          {...common}
        />
      ) : (
        <textarea rows={rows} {...common} />
      )}
      <Note id={noteId} hint={hint} error={error} />
    </div>
  )
}

export interface SelectFieldProps<T extends string> extends FieldProps {
  readonly value: T
  readonly options: readonly (readonly [value: T, label: string])[]
  readonly onChange: (value: T) => void
}

export function SelectField<T extends string>(props: SelectFieldProps<T>) {
  const { label, hint, error, value, options, onChange } = props
  const id = useId()
  const noteId = useId()
  return (
    <div class={`field ${props.class ?? ''}`}>
      <label for={id}>{label}</label>
      <select
        id={id}
        value={value}
        aria-describedby={hint === undefined && error === undefined ? undefined : noteId}
        aria-invalid={error !== undefined}
        onChange={(event) => onChange(event.currentTarget.value as T)}
      >
        {options.map(([one, text]) => (
          <option key={one} value={one} selected={one === value}>
            {text}
          </option>
        ))}
      </select>
      <Note id={noteId} hint={hint} error={error} />
    </div>
  )
}

export interface CheckFieldProps {
  readonly label: string
  readonly value: boolean
  readonly onChange: (value: boolean) => void
}

export function CheckField({ label, value, onChange }: CheckFieldProps) {
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={value}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      {label}
    </label>
  )
}

interface NoteProps {
  readonly id: string
  readonly hint: ComponentChildren
  readonly error: ComponentChildren
}

function Note({ id, hint, error }: NoteProps) {
  if (error === undefined && hint === undefined) return null
  return (
    <div id={id} class={error === undefined ? 'hint' : 'error'}>
      {error ?? hint}
    </div>
  )
}
