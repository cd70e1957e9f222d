/**
 * Time and order of the simulated world. Every timer, message delivery and storage completion is an
 * event; events run one at a time, by time and then in the order in which they were scheduled, and
 * the clock jumps from one to the next. Between two events every microtask runs to its end, so that
 * what the code does with promises is part of the event that caused it.
 *
 * An event belongs to a process: a tab, a worker, the disk. A frozen process gets its events when it
 * resumes, a dead one never. That is all that the death of a tab or a broker takes: no code of it
 * ever runs again, whatever its promises were waiting for.
 */
import type { Trace } from './trace.js'

// Captured before any test could put fake timers in its place.
const { setImmediate: realSetImmediate } = globalThis

/** Resolves when no microtask is left. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    realSetImmediate(resolve)
  })
}

interface Scheduled {
  readonly atMs: number
  readonly order: number
  readonly process: Process
  readonly label: string
  readonly run: () => void
  isCancelled: boolean
}

/** More than this within one event is a loop without end, which would be found by no other means. */
const ADDED_AT_ONCE_MAX = 20_000
/** The same for what goes round over several events without time going on. */
const EVENTS_AT_ONCE_MAX = 5_000

type ProcessState = 'running' | 'frozen' | 'dead'

export class Process {
  readonly name: string
  readonly #scheduler: Scheduler
  #state: ProcessState = 'running'
  #held: Scheduled[] = []
  /** When it last began to run: its start or its last resumption. */
  runningSinceMs: number

  constructor(scheduler: Scheduler, name: string) {
    this.#scheduler = scheduler
    this.name = name
    this.runningSinceMs = scheduler.nowMs
  }

  get isRunning(): boolean {
    return this.#state === 'running'
  }

  get isFrozen(): boolean {
    return this.#state === 'frozen'
  }

  get isDead(): boolean {
    return this.#state === 'dead'
  }

  /** Runs `run` after `delayMs`, in this process; returns a function that cancels. */
  schedule(delayMs: number, label: string, run: () => void): () => void {
    return this.#scheduler.add(this, delayMs, label, run)
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.schedule(delayMs, 'wakes', resolve)
    })
  }

  freeze(): void {
    if (this.#state === 'running') this.#state = 'frozen'
  }

  /** What was held back happens now, in the order in which it was due. */
  resume(): void {
    if (this.#state !== 'frozen') return
    this.#state = 'running'
    this.runningSinceMs = this.#scheduler.nowMs
    const held = this.#held
    this.#held = []
    for (const event of held) this.#scheduler.again(event)
  }

  kill(): void {
    this.#state = 'dead'
    this.#held = []
  }

  /** Keeps an event that is due while the process is frozen. */
  hold(event: Scheduled): void {
    this.#held.push(event)
  }
}

export class Scheduler {
  readonly #trace: Trace
  readonly #queue = new EventHeap()
  #nowMs: number
  #order = 0
  #eventCount = 0
  #addedAtOnce = 0
  #eventsAtOnce = 0

  constructor(startMs: number, trace: Trace) {
    this.#nowMs = startMs
    this.#trace = trace
  }

  get nowMs(): number {
    return this.#nowMs
  }

  get eventCount(): number {
    return this.#eventCount
  }

  process(name: string): Process {
    return new Process(this, name)
  }

  add(process: Process, delayMs: number, label: string, run: () => void): () => void {
    this.#addedAtOnce += 1
    if (this.#addedAtOnce > ADDED_AT_ONCE_MAX) {
      throw new Error(`${process.name} goes round in circles: ${label}`)
    }
    const atMs = this.#nowMs + Math.max(0, Math.ceil(delayMs))
    const event = { atMs, order: this.#order++, process, label, run, isCancelled: false }
    this.#queue.push(event)
    return () => {
      event.isCancelled = true
    }
  }

  /** Puts an event that was held back into the queue, for now. */
  again(event: Scheduled): void {
    const { process, label } = event
    this.add(process, 0, label, () => {
      if (!event.isCancelled) event.run()
    })
  }

  /**
   * Runs events until `isDone`, checked between any two, or until none is left.
   * @returns whether `isDone` ended it
   */
  async run(isDone: () => boolean, afterEvent: (process: Process) => void): Promise<boolean> {
    await nextTurn()
    while (!isDone()) {
      const event = this.#queue.pop()
      if (event === undefined) return false
      if (event.isCancelled || event.process.isDead) continue
      this.#advanceTo(event)
      if (event.process.isFrozen) {
        event.process.hold(event)
        continue
      }
      this.#eventCount += 1
      this.#trace.add(this.#nowMs, event.process.name, event.label)
      this.#addedAtOnce = 0
      event.run()
      await nextTurn()
      afterEvent(event.process)
    }
    return true
  }

  #advanceTo({ atMs, process, label }: Scheduled): void {
    this.#eventsAtOnce = atMs > this.#nowMs ? 0 : this.#eventsAtOnce + 1
    this.#nowMs = Math.max(this.#nowMs, atMs)
    if (this.#eventsAtOnce < EVENTS_AT_ONCE_MAX) return
    throw new Error(`${this.#eventsAtOnce} events in one ms, the last ${process.name}: ${label}`)
  }
}

/** A binary heap by time, then by order of scheduling. */
class EventHeap {
  readonly #events: Scheduled[] = []

  push(event: Scheduled): void {
    const events = this.#events
    let index = events.length
    while (index > 0) {
      const parent = (index - 1) >> 1
      const above = events[parent] as Scheduled
      if (!isBefore(event, above)) break
      events[index] = above
      index = parent
    }
    events[index] = event
  }

  pop(): Scheduled | undefined {
    const events = this.#events
    const top = events[0]
    const last = events.pop()
    if (top === undefined || last === undefined || events.length === 0) return top
    let index = 0
    for (;;) {
      const left = 2 * index + 1
      if (left >= events.length) break
      const right = left + 1
      const least =
        right < events.length && isBefore(events[right] as Scheduled, events[left] as Scheduled)
          ? right
          : left
      const child = events[least] as Scheduled
      if (!isBefore(child, last)) break
      events[index] = child
      index = least
    }
    events[index] = last
    return top
  }
}

function isBefore(a: Scheduled, b: Scheduled): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}
