/** What is asked for once, and again when the reader says so: what no watch brings. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'

export interface Asked<T> {
  readonly value?: T
  readonly error?: unknown
  readonly isBusy: boolean
  readonly again: () => void
}

/** `ask` may change from one drawing to the next; it is asked anew when `of` is another. */
export function useAsked<T>(ask: () => Promise<T>, of: string): Asked<T> {
  const [found, setFound] = useState<{ value?: T; error?: unknown; isBusy: boolean }>({
    isBusy: true,
  })
  const latest = useRef(ask)
  latest.current = ask
  const turn = useRef(0)
  const again = useCallback(() => {
    turn.current += 1
    const own = turn.current
    setFound((before) => ({ ...before, isBusy: true }))
    latest.current().then(
      (value) => {
        if (own === turn.current) setFound({ value, isBusy: false })
      },
      (error: unknown) => {
        if (own === turn.current) setFound({ error, isBusy: false })
      },
    )
  }, [])
  useEffect(() => {
    again()
    return () => {
      turn.current += 1
    }
  }, [again, of])
  return { ...found, again }
}
