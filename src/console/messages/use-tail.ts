/** A topic that is followed, as a view has it: the newest first, and no more than can be looked at. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { useCluster } from '../parts/console-context.js'
import { weightOf, type Row } from './message-row.js'
import { MessageTail, type TailOptions, type TailStep } from './message-tail.js'
import { NOTHING_READ, type Reading } from './reading.js'
import { TailReader } from './tail-reader.js'

const ROWS_MAX = 1_000
const WEIGHT_MAX = 16_000_000

export interface TailControl {
  /** Undefined before the first. */
  readonly state: Reading | undefined
  /** Begins anew. */
  readonly follow: (options: TailOptions) => void
  readonly stop: () => void
}

export function useTail(): TailControl {
  const { topics } = useCluster()
  const [state, setState] = useState<Reading>()
  const newest = useRef(topics)
  const following = useRef<{ reader: TailReader; topic: string }>(undefined)

  const stop = useCallback(() => {
    following.current?.reader.stop()
    following.current = undefined
    setState((before) => before && { ...before, isBusy: false })
  }, [])
  const update = useCallback(() => {
    const current = following.current
    current?.reader.update(newest.current.find(({ topic }) => topic === current.topic))
  }, [])
  const follow = useCallback((options: TailOptions) => {
    following.current?.reader.stop()
    const show = (change: (before: Reading) => Reading) =>
      setState((before) => before && change(before))
    const reader = new TailReader({
      tail: new MessageTail(options),
      onStep: (step) => show((before) => withStep(before, step)),
      onError: (error) => show((before) => ({ ...before, error })),
    })
    following.current = { reader, topic: options.topic.topic }
    const live = { sinceMs: Date.now(), missed: 0, dropped: 0 }
    setState({ ...NOTHING_READ, isBusy: true, live })
    update()
  }, [])

  // Each state that the console's watch brings says how far the logs have come.
  useEffect(() => {
    newest.current = topics
    update()
  }, [topics])
  useEffect(() => stop, [stop])
  return { state, follow, stop }
}

function withStep(before: Reading, { rows, looked, missed }: TailStep): Reading {
  const { live } = before
  if (live === undefined || looked + missed === 0) return { ...before, error: undefined }
  const all = [...rows.toReversed(), ...before.rows]
  const kept = all.slice(0, fitting(all))
  return {
    ...before,
    rows: rows.length === 0 ? before.rows : kept,
    looked: before.looked + looked,
    error: undefined,
    live: {
      ...live,
      missed: live.missed + missed,
      dropped: live.dropped + all.length - kept.length,
    },
  }
}

/** How many of the newest are kept. */
function fitting(rows: readonly Row[]): number {
  let weight = 0
  const full = rows.findIndex((row, at) => (weight += knownWeight(row)) > WEIGHT_MAX && at > 0)
  return Math.min(ROWS_MAX, full === -1 ? rows.length : full)
}

/** Rows stay for many steps, and to weigh one takes as long as to print it. */
const weights = new WeakMap<Row, number>()

function knownWeight(row: Row): number {
  const weight = weights.get(row) ?? weightOf(row)
  weights.set(row, weight)
  return weight
}
