/** What no watch brings, asked for now and then while the page is to be seen. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { useIsPageShown } from './use-clock.js'

export interface Asked<T> {
  /** The last that was heard. */
  readonly value?: T
  /** Why there is no newer one. */
  readonly error?: unknown
  /** Asks at once. */
  readonly again: () => void
}

/** `ask` may change from one drawing to the next; it is asked anew, without a wait, when `of` is another. */
export function useAsked<T>(ask: () => Promise<T>, of: string, everyMs: number): Asked<T> {
  const [found, setFound] = useState<{ value?: T; error?: unknown }>({})
  const isShown = useIsPageShown()
  const latest = useRef(ask)
  latest.current = ask
  const turn = useRef(0)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const stop = useCallback(() => {
    turn.current += 1
    clearTimeout(timer.current)
  }, [])
  const again = useCallback(() => {
    stop()
    const own = turn.current
    const show = (next: (before: { value?: T }) => { value?: T; error?: unknown }) => {
      if (own !== turn.current) return
      setFound(next)
      timer.current = setTimeout(again, everyMs)
    }
    latest.current().then(
      (value) => show(() => ({ value })),
      (error: unknown) => show(({ value }) => (value === undefined ? { error } : { value, error })),
    )
  }, [stop, everyMs])
  useEffect(() => {
    if (!isShown) return undefined
    again()
    return stop
  }, [again, stop, of, isShown])
  return { ...found, again }
}
