/** What a reader has found, as a view shows it. Whoever leaves the view stops it. */
import { useEffect, useLayoutEffect, useState } from 'preact/hooks'
import type { Reading } from './reading.js'
import type { ScanReader } from './scan-reader.js'

export function useScan(reader: ScanReader): Reading | undefined {
  const [state, setState] = useState(reader.state)
  useEffect(() => {
    const update = () => setState(reader.state)
    update()
    return reader.onChange(update)
  }, [reader])
  // At once: later, what the next view has begun to read might be stopped.
  useLayoutEffect(() => () => reader.stop(), [reader])
  return state
}
