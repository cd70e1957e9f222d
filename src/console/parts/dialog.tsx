/** A modal form: Escape and Cancel close it, an error stays in it, beside what was filled in. */
import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import { errorText } from '../format/error-text.js'

export interface DialogProps {
  readonly title: string
  /** What the button that does it says. */
  readonly action: string
  readonly isDanger?: boolean
  readonly canSubmit?: boolean
  /** The dialog closes when it resolves. */
  readonly onSubmit: () => Promise<void>
  readonly onClose: () => void
  readonly children: ComponentChildren
}

export function Dialog(props: DialogProps) {
  const { title, action, isDanger = false, canSubmit = true, onSubmit, onClose, children } = props
  const dialog = useRef<HTMLDialogElement>(null)
  const titleId = useId()
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<string>()

  useEffect(() => {
    const element = dialog.current
    element?.showModal()
    return () => element?.close()
  }, [])

  const submit = async (event: Event) => {
    event.preventDefault()
    if (isBusy || !canSubmit) return
    setBusy(true)
    setError(undefined)
    try {
      await onSubmit()
      onClose()
    } catch (failure) {
      setError(errorText(failure))
      setBusy(false)
    }
  }

  return (
    <dialog
      ref={dialog}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
    >
      <form onSubmit={(event) => void submit(event)} noValidate>
        <h2 id={titleId}>{title}</h2>
        {children}
        <p class="error" role="alert">
          {error}
        </p>
        <div class="buttons">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button
            type="submit"
            class={isDanger ? 'primary danger' : 'primary'}
            disabled={isBusy || !canSubmit}
          >
            {isBusy ? 'Working…' : action}
          </button>
        </div>
      </form>
    </dialog>
  )
}

export interface ConfirmProps {
  readonly title: string
  readonly action: string
  /** What will be gone, one thing a line. */
  readonly lost: readonly string[]
  readonly canSubmit?: boolean
  readonly onSubmit: () => Promise<void>
  readonly onClose: () => void
  readonly children?: ComponentChildren
}

/** Asks before something is lost, and says what. */
export function Confirm({ lost, children, ...rest }: ConfirmProps) {
  return (
    <Dialog {...rest} isDanger>
      <div class="section">
        <p>This cannot be undone. What is lost:</p>
        <ul class="lost">
          {lost.map((line) => (
            <li key={line} class="break">
              {line}
            </li>
          ))}
        </ul>
        {children}
      </div>
    </Dialog>
  )
}
