/** Waits for what may never end, but only so long. */
import type { ClientHost } from './host.js'

/** Whether it was done before `waitMs` had passed. */
export async function isInTime(
  host: ClientHost,
  done: Promise<void>,
  waitMs: number,
): Promise<boolean> {
  let cancelTimer = () => {}
  const late = new Promise<false>((resolve) => {
    cancelTimer = host.setTimer(waitMs, () => resolve(false))
  })
  const isDone = await Promise.race([done.then(() => true as const), late])
  cancelTimer()
  return isDone
}
