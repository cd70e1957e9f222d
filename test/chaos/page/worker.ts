/**
 * The broker's worker as it is, with its console heard by the runner: a worker's errors reach no page
 * by themselves, and nobody looks at its console.
 */
import { startBroker } from '../../../worker/index.js'

/** What one request to the runner carries. */
export type WorkerTold =
  | { readonly type: 'started' }
  | { readonly type: 'said'; readonly level: 'warn' | 'error'; readonly text: string }

tell({ type: 'started' })
for (const level of ['warn', 'error'] as const) {
  const say = console[level].bind(console)
  console[level] = (...parts: unknown[]) => {
    say(...parts)
    tell({ type: 'said', level, text: parts.map(textOf).join(' ') })
  }
}
startBroker()

function tell(told: WorkerTold): void {
  fetch('/chaos/worker', { method: 'POST', body: JSON.stringify(told) }).catch(() => {
    // The runner is gone, and with it whoever wanted to know.
  })
}

function textOf(part: unknown): string {
  if (part instanceof Error) return part.stack ?? String(part)
  return typeof part === 'object' ? JSON.stringify(part) : String(part)
}
