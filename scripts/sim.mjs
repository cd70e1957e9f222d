/**
 * Runs the simulator over many seeds: `npm run sim -- --seeds 10000 --seed 1`. Prints each seed that
 * failed with what is needed to look into it, which faults there were, and how many seeds a minute.
 * The seeds are shared out among as many processes as there are cores; what is printed of a seed is
 * the same in whichever it ran.
 *
 *   --seed N    the first seed, or the only one with --trace   (1)
 *   --seeds N   how many                                       (100)
 *   --jobs N    how many processes                             (one for each core)
 *   --plant X   a planted bug, by its name in test/sim/plants.ts
 *   --checker X hears only this checker; may be repeated
 *   --trace     the whole trace of the first seed
 *   --keep      goes on after a seed failed
 *   --slow MS   names the seeds that took longer than this to heal
 */
import { fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '100' },
    jobs: { type: 'string', default: `${availableParallelism()}` },
    plant: { type: 'string' },
    checker: { type: 'string', multiple: true },
    trace: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    slow: { type: 'string' },
  },
})

/** Handed out at a time: few enough for all to end at about the same moment. */
const SEEDS_AT_ONCE = 5
const PROGRESS_MS = 60_000

const first = Number(values.seed)
const count = values.trace ? 1 : Number(values.seeds)
const startMs = performance.now()
const totals = {
  ran: 0,
  events: 0,
  virtualMs: 0,
  healMsMax: 0,
  messages: 0,
  handled: 0,
  shareHandled: 0,
}
/** @type {Map<string, number>} */
const faults = new Map()
/** @type {number[]} */
const failed = []
let next = first

/** @typedef {import('./sim-seeds.mjs').SeedReport} SeedReport */

/** @param {SeedReport} report */
function take({ seed, failure, trace, stats }) {
  const { events, virtualMs, healMs = 0, messages, handled, shareHandled } = stats
  totals.ran += 1
  totals.events += events
  totals.virtualMs += virtualMs
  totals.healMsMax = Math.max(totals.healMsMax, healMs)
  totals.messages += messages
  totals.handled += handled
  totals.shareHandled += shareHandled
  for (const [name, times] of Object.entries(stats.faults)) {
    faults.set(name, (faults.get(name) ?? 0) + times)
  }
  if (values.slow !== undefined && healMs > Number(values.slow)) {
    console.log(`seed ${seed} healed after ${healMs} ms`)
  }
  if (trace !== undefined) console.log(trace)
  if (failure === undefined) return
  failed.push(seed)
  console.log(failure)
}

/** The next few seeds, until there are no more or one has failed. */
function takeSeeds() {
  const isOver = failed.length > 0 && !values.keep
  const from = next
  next = isOver ? next : Math.min(first + count, next + SEEDS_AT_ONCE)
  return Array.from({ length: next - from }, (_, index) => from + index)
}

/** One process, until there is nothing left to do. */
function job() {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('sim-seeds.mjs', import.meta.url)))
    const { plant, checker: checkers, trace: keepsTrace } = values
    const giveMore = () => {
      const seeds = takeSeeds()
      if (seeds.length === 0) child.disconnect()
      else child.send({ seeds, plant, checkers, keepsTrace, lines: values.keep ? 0 : 60 })
    }
    child.on('message', (/** @type {SeedReport | 'done'} */ message) => {
      if (message === 'done') giveMore()
      else take(message)
    })
    child.on('error', reject)
    child.on('exit', (code) => {
      if (code === 0) resolve(undefined)
      else reject(new Error(`a process of the simulator ended with ${code}`))
    })
    giveMore()
  })
}

function pace() {
  const seconds = (performance.now() - startMs) / 1000
  const aMinute = Math.round((totals.ran / seconds) * 60)
  return `${totals.ran} seeds in ${seconds.toFixed(1)} s: ${aMinute} a minute`
}

const progress = setInterval(() => console.log(`… ${pace()}`), PROGRESS_MS)
const jobs = Math.max(1, Math.min(Number(values.jobs), Math.ceil(count / SEEDS_AT_ONCE)))
await Promise.all(Array.from({ length: jobs }, () => job()))
clearInterval(progress)

const { ran, events, virtualMs, healMsMax, messages, handled, shareHandled } = totals
console.log(
  `${pace()}, ${Math.round(events / ran)} events and ${Math.round(virtualMs / ran / 1000)} virtual ` +
    `seconds each, healed within ${healMsMax} ms; ${messages} messages, ` +
    `handled ${handled} times in groups, ${shareHandled} in share groups`,
)
const byCount = [...faults].sort(([, a], [, b]) => b - a)
const total = byCount.reduce((sum, [, times]) => sum + times, 0)
console.log(`${total} faults: ${byCount.map(([name, times]) => `${name} ${times}`).join(', ')}`)
failed.sort((a, b) => a - b)
console.log(failed.length === 0 ? 'none failed' : `failed: ${failed.join(', ')}`)
process.exitCode = failed.length === 0 ? 0 : 1
