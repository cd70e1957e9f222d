/** The time, and whether anybody is looking: for what is shown of now, or asked for now and then. */
import { useEffect, useState } from 'preact/hooks'
import { useCluster } from './console-context.js'

const TICK_MS = 1_000

/** Whether the page is to be seen. */
export function useIsPageShown(): boolean {
  const [isShown, setShown] = useState(isPageShown)
  useEffect(() => {
    const look = () => setShown(isPageShown())
    look()
    document.addEventListener('visibilitychange', look)
    return () => document.removeEventListener('visibilitychange', look)
  }, [])
  return isShown
}

/**
 * Now, in ms since 1970, to the second, never before the state that is shown. The broker runs on the same
 * machine and has the same clock; it says nothing while nothing changes.
 */
export function useNowMs(): number {
  const { atMs } = useCluster()
  const isShown = useIsPageShown()
  const [nowMs, setNowMs] = useState(Date.now)
  useEffect(() => {
    if (!isShown) return undefined
    setNowMs(Date.now())
    const timer = setInterval(() => setNowMs(Date.now()), TICK_MS)
    return () => clearInterval(timer)
  }, [isShown])
  return Math.max(nowMs, atMs)
}

function isPageShown(): boolean {
  return document.visibilityState !== 'hidden'
}
