/** A scan as a view has it: what was found so far, and whether it is still looking. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { MessageScan, weightOf, type Row, type ScanOptions } from './message-scan.js'

const ROWS_MAX = 5_000
const WEIGHT_MAX = 64_000_000

export interface ScanState {
  readonly rows: readonly Row[]
  readonly looked: number
  readonly isBusy: boolean
  readonly isAtEnd: boolean
  /** There is more, but not to be kept in this tab. */
  readonly isFull: boolean
  readonly error: unknown
}

const NOTHING: ScanState = {
  rows: [],
  looked: 0,
  isBusy: false,
  isAtEnd: false,
  isFull: false,
  error: undefined,
}

export interface ScanControl {
  /** Undefined before the first. */
  readonly state: ScanState | undefined
  /** Begins anew. */
  readonly read: (options: ScanOptions) => void
  readonly more: () => void
  readonly stop: () => void
}

export function useScan(): ScanControl {
  const [state, setState] = useState<ScanState>()
  const scan = useRef<MessageScan>(undefined)
  const running = useRef<AbortController>(undefined)
  const weight = useRef(0)

  const stop = useCallback(() => running.current?.abort(), [])
  useEffect(() => stop, [stop])

  const page = useCallback(async (from: ScanState) => {
    const control = new AbortController()
    running.current?.abort()
    running.current = control
    setState({ ...from, isBusy: true, error: undefined })
    // What belongs to a scan that another has followed is of no interest any more.
    const show = (next: ScanState) => {
      if (running.current === control) setState(next)
    }
    try {
      const found = await (scan.current as MessageScan).page(control.signal)
      for (const row of found.rows) weight.current += weightOf(row)
      const rows = [...from.rows, ...found.rows]
      show({
        rows,
        looked: from.looked + found.looked,
        isBusy: false,
        isAtEnd: found.isAtEnd,
        isFull: !found.isAtEnd && (rows.length >= ROWS_MAX || weight.current >= WEIGHT_MAX),
        error: undefined,
      })
    } catch (error) {
      show({ ...from, isBusy: false, error })
    }
  }, [])

  const read = useCallback(
    (options: ScanOptions) => {
      scan.current = new MessageScan(options)
      weight.current = 0
      void page(NOTHING)
    },
    [page],
  )
  const more = useCallback(() => {
    if (state !== undefined && !state.isBusy && !state.isFull) void page(state)
  }, [page, state])
  return { state, read, more, stop }
}
