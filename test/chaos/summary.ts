/** What a run comes to, in numbers: what was done, what went wrong, how fast it was well again. */
import { nameOf } from '../sim/durable-log.js'
import type { Violation } from '../sim/history.js'
import type { RecordedEvent } from './record.js'

/** One fault may show a thousand times. */
const ANOMALIES_SHOWN = 50

export interface Durations {
  readonly count: number
  readonly p50Ms: number
  readonly worstMs: number
}

export interface ChaosSummary {
  readonly seed: number
  readonly seconds: number
  /** By name, with what the runner could not do. */
  readonly faults: Readonly<Record<string, number>>
  readonly calls: number
  readonly failedCalls: Readonly<Record<string, number>>
  readonly announced: number
  readonly acknowledged: number
  readonly stored: number
  readonly handled: number
  /** A group's handlers were done with the message before. */
  readonly handledAgain: number
  readonly commits: number
  /** By what was said of them and is on the disk. */
  readonly jobs: Readonly<Record<'done' | 'accepted' | 'rejected', number>>
  /** Requests that had an answer. */
  readonly answered: number
  /** From the death of a worker, or of a browser, to the next acknowledgement and the next handled message. */
  readonly recovery: Readonly<Record<string, Durations>>
  readonly healMs: number
  readonly anomalies: readonly Violation[]
}

export function summarize(
  events: readonly RecordedEvent[],
  known: Pick<ChaosSummary, 'seed' | 'faults' | 'stored' | 'anomalies'>,
): ChaosSummary {
  const sizes = new Map<number, number>()
  const failedCalls: Record<string, number> = {}
  const handledOnce = new Set<string>()
  const counts = { calls: 0, announced: 0, acknowledged: 0, handled: 0, commits: 0, answered: 0 }
  const jobs = { done: 0, accepted: 0, rejected: 0 }
  for (const event of events) {
    switch (event.type) {
      case 'sending':
        for (const { ids } of event.sends) {
          counts.announced += ids.length
          sizes.set(ids[0] ?? 0, ids.length)
        }
        break
      case 'sent':
        counts.acknowledged += sizes.get(event.id) ?? 0
        break
      case 'called':
        counts.calls += 1
        break
      case 'settled': {
        const { error } = event
        if (error === undefined) break
        const code = error.code ?? 'untyped'
        failedCalls[code] = (failedCalls[code] ?? 0) + 1
        break
      }
      case 'handled':
        counts.handled += 1
        handledOnce.add(`${event.reader.groupId} ${nameOf(event.place)} ${event.offset}`)
        break
      case 'jobDone':
        jobs.done += 1
        break
      case 'jobAccepted':
        jobs.accepted += 1
        break
      case 'jobRejected':
        jobs.rejected += 1
        break
      case 'answered':
        counts.answered += 1
        break
      case 'committed':
        counts.commits += 1
        break
      default:
    }
  }
  const atMs = (type: RecordedEvent['type']) =>
    events.findLast((event) => event.type === type)?.atMs ?? Number.NaN
  return {
    ...known,
    ...counts,
    jobs,
    seconds: Math.round((events.at(-1)?.atMs ?? 0) / 1000),
    failedCalls,
    handledAgain: counts.handled - handledOnce.size,
    recovery: recoveries(events),
    healMs: atMs('healed') - atMs('healing'),
  }
}

/** What was under way when the broker died counts for nothing: only what its successor did. */
function recoveries(events: readonly RecordedEvent[]): Record<string, Durations> {
  const found: Record<string, number[]> = {}
  for (const [index, event] of events.entries()) {
    if (event.type !== 'struck') continue
    const { fault } = event
    if (fault !== 'killWorker' && fault !== 'killBrowser') continue
    const isNext = (other: RecordedEvent) =>
      other.type === 'struck' && (other.fault === 'killWorker' || other.fault === 'killBrowser')
    const end = events.findIndex((other, at) => at > index && isNext(other))
    const after = events.slice(index, end === -1 ? undefined : end)
    const started = after.findIndex(({ type }) => type === 'brokerStarted')
    if (started === -1) continue
    for (const type of ['sent', 'handled'] as const) {
      const first = after.find((other, at) => at > started && other.type === type)
      const name = `${fault}, ${type}`
      if (first !== undefined) (found[name] ??= []).push(first.atMs - event.atMs)
    }
  }
  return Object.fromEntries(
    Object.entries(found).map(([name, values]) => {
      const sorted = values.toSorted((a, b) => a - b)
      const p50Ms = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
      return [name, { count: sorted.length, p50Ms, worstMs: sorted.at(-1) ?? Number.NaN }]
    }),
  )
}

function killed(faults: Readonly<Record<string, number>>): string {
  const { killBrowser = 0, killWorker = 0, crashTab = 0, closeTab = 0 } = faults
  return `${killBrowser} browsers, ${killWorker} workers, ${crashTab + closeTab} tabs`
}

export function describeSummary(summary: ChaosSummary): string {
  const { anomalies, failedCalls, faults, recovery } = summary
  const list = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .sort(([, a], [, b]) => b - a)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')
  return [
    `seed ${summary.seed}, ${summary.seconds} s`,
    `faults: ${list(faults)}`,
    `killed: ${killed(faults)}`,
    `calls: ${summary.calls}; failed: ${list(failedCalls) || 'none'}`,
    `messages: ${summary.announced} sent, ${summary.acknowledged} acknowledged, ` +
      `${summary.stored} stored`,
    `handled: ${summary.handled}, of them again ${summary.handledAgain}; commits: ${summary.commits}`,
    `jobs: ${summary.jobs.done} times done, ${summary.jobs.accepted} accepted, ${summary.jobs.rejected} rejected; requests answered: ${summary.answered}`,
    ...Object.entries(recovery).map(
      ([name, { count, p50Ms, worstMs }]) =>
        `recovery after ${name}: ${p50Ms} ms in the middle, ${worstMs} ms at worst, of ${count}`,
    ),
    `healed in ${summary.healMs} ms`,
    ...anomalies
      .slice(0, ANOMALIES_SHOWN)
      .map(({ checker, atMs, message }) => `ANOMALY ${checker} at ${atMs} ms: ${message}`),
    `anomalies: ${anomalies.length}`,
  ].join('\n')
}
