/** Cells in components: one is drawn again when a cell that it uses has changed, and only then. */
import { useLayoutEffect, useReducer } from 'preact/hooks'
import type { Cell } from './cell.js'

export function useCell<T>(cell: Cell<T>): T {
  return useSelected(cell, (value) => value)
}

/** Of a value that changes often, only a part. */
export function useSelected<T, Part>(cell: Cell<T>, select: (value: T) => Part): Part {
  const [, drawAgain] = useReducer((count: number) => count + 1, 0)
  const selected = select(cell.value)
  useLayoutEffect(() => {
    let shown = selected
    const look = () => {
      const now = select(cell.value)
      if (Object.is(now, shown)) return
      shown = now
      drawAgain(undefined)
    }
    // It may have changed between the drawing and now.
    look()
    return cell.listen(look)
  })
  return selected
}
