/** A modal form: Escape and Cancel close it, an error stays in it, beside what was filled in. */
import type { ComponentChildren } from 'preact'
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Tabmq } from '../../index.js'
import { errorText } from '../format/error-text.js'
import type { Route } from '../route.js'
import { useConsole } from './console-context.js'

/** What came of it. */
export interface Done {
  readonly said: string
  /**
   * Where to go once the console has heard that it is there, unless the reader has closed the dialog, or gone
   * elsewhere meanwhile.
   */
  readonly goTo?: Route
}

interface FormProps {
  readonly title: string
  /** What the button that does it says. */
  readonly action: string
  readonly isDanger?: boolean
  readonly canSubmit?: boolean
  readonly onClose: () => void
  readonly children: ComponentChildren
}

export interface DialogProps extends FormProps {
  /**
   * Writes; the dialog closes when it resolves. The signal is aborted when the reader closes the dialog
   * before that, or the console becomes read-only: whatever has several steps begins no other then.
   */
  readonly onSubmit: (writer: Tabmq, signal: AbortSignal) => Promise<Done | void>
}

/** For what writes: where that is not allowed any more, it is gone. */
export function Dialog({ onSubmit, ...form }: DialogProps) {
  const { action, onClose } = form
  const { session, writer, notify, go, isHere } = useConsole()
  const running = useRef<AbortController>(undefined)
  const isReadonly = writer === undefined
  useEffect(() => {
    if (!isReadonly) return
    const isRunning = running.current !== undefined
    running.current?.abort()
    notify(
      isRunning
        ? `The console is read-only now. “${action}” was on its way before.`
        : `The console is read-only now: “${action}” was not done.`,
    )
    onClose()
  }, [isReadonly])

  const submit = async () => {
    if (writer === undefined) return
    const control = new AbortController()
    const { signal } = control
    running.current = control
    try {
      const done = await onSubmit(writer, signal)
      const goTo = done ? done.goTo : undefined
      const isThere = goTo !== undefined && (await session.sees(goTo, signal))
      if (!signal.aborted) onClose()
      if (!done) return
      notify(done.said)
      if (isThere && !signal.aborted && isHere()) go(goTo)
    } catch (error) {
      if (!signal.aborted) throw error
      notify(`“${action}” failed: ${errorText(error)}`)
    } finally {
      running.current = undefined
    }
  }
  const close = () => {
    if (running.current !== undefined) {
      running.current.abort()
      notify(`“${action}” was on its way already, and what is done cannot be taken back.`)
    }
    onClose()
  }
  return <Form {...form} onSubmit={submit} onClose={close} />
}

export interface ReadingDialogProps extends FormProps {
  /** Changes nothing at the broker; the dialog closes when it resolves. */
  readonly onSubmit: () => Promise<void>
}

export function ReadingDialog({ onSubmit, ...form }: ReadingDialogProps) {
  const isOpen = useRef(true)
  useEffect(() => () => void (isOpen.current = false), [])
  const submit = async () => {
    await onSubmit()
    // Closed meanwhile, it would close the one that was opened since.
    if (isOpen.current) form.onClose()
  }
  return <Form {...form} onSubmit={submit} />
}

function Form(props: FormProps & { readonly onSubmit: () => Promise<void> }) {
  const { title, action, isDanger = false, canSubmit = true, onSubmit, onClose, children } = props
  const dialog = useRef<HTMLDialogElement>(null)
  const titleId = useId()
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<string>()

  useLayoutEffect(() => {
    const element = dialog.current
    const root = element?.getRootNode()
    const opener = root instanceof ShadowRoot ? root.activeElement : null
    element?.showModal()
    return () => {
      element?.close()
      // What opened it may be gone, or not to be pressed any more: then `useKeptFocus` knows where to go.
      if (opener instanceof HTMLElement) opener.focus()
    }
  }, [])

  const submit = async (event: Event) => {
    event.preventDefault()
    if (isBusy || !canSubmit) return
    setBusy(true)
    setError(undefined)
    try {
      await onSubmit()
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
            {isBusy ? 'Close' : 'Cancel'}
          </button>
          <button
            type="submit"
            class={isDanger ? 'primary danger' : 'primary'}
            disabled={!canSubmit}
            // Disabled, it would lose the focus.
            aria-disabled={isBusy}
          >
            {isBusy ? 'Working…' : action}
          </button>
        </div>
      </form>
    </dialog>
  )
}

export interface ConfirmProps extends Omit<DialogProps, 'isDanger' | 'children'> {
  /** What will be gone, one thing a line. */
  readonly lost: readonly string[]
  readonly children?: ComponentChildren
}

/** Asks before something is lost, and says what. */
export function Confirm({ lost, children, ...rest }: ConfirmProps) {
  return (
    <Dialog {...rest} isDanger>
      <div class="section">
        <p>This cannot be undone. What is lost:</p>
        <ul class="lost">
          {[...new Set(lost)].map((line) => (
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
