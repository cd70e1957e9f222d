/** What a reader has found, as a view shows it. Whoever leaves the view stops it. */
import { useEffect, useState } from 'preact/hooks'
import type { Reading } from './reading.js'
import type { ScanReader } from './scan-reader.js'

export function useScan(reader: ScanReader): Reading | undefined {
  const [state, setState] = useState(reader.state)
  useEffect(() => {
    const update = () => setState(reader.state)
    update()
    const forget = reader.onChange(update)
    return () => {
      forget()
      reader.stop()
    }
  }, [reader])
  return state
}
