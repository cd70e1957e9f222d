/**
 * Puts back what a lesson has set and done, when it is left. What all tabs have in common is put back once
 * no tab is in a lesson any more, which a lock says; what a tab was closed upon, the next page that is
 * opened outside of lessons puts back.
 */
import type { Demo } from '../app/demo.js'
import { Cell } from '../app/cell.js'
import type { Parts } from '../app/parts.js'
import { forgetBefore, forgetDeed, readBefore, writeBefore } from './before-lesson.js'
import type { BeforeLesson } from './before-lesson.js'
import { isGroupEmpty } from './conditions.js'
import type { Played } from './played.js'
import type { Scenario } from './scenario.js'
import { SCENARIOS } from './scenarios.js'

const LOCK = 'tabmq-demo:lesson'

/** Of this tab only: it ends with its page. */
interface OwnSettings {
  readonly rate: number
  readonly isFlowing: boolean
  readonly isSecondOn: boolean
  readonly isWorkingOnJobs: boolean
}

export class PutBack {
  /**
   * The lesson that may begin: what the one before it has set is put back, and how things are now is known.
   * What a lesson did sooner would be taken for the reader's, or put back with the other's.
   */
  readonly entered = new Cell<Played | undefined>(undefined)
  /** One after the other. None waits for what may take long. */
  #change: Promise<void> = Promise.resolve()
  #own: OwnSettings | undefined
  /** Lets go of the lock, and resolves when it is free. */
  #release: (() => Promise<unknown>) | undefined

  /** A lesson is opened. */
  enter({ demo }: Parts, played: Played): void {
    this.#then(demo, async () => {
      try {
        await this.#hold()
        this.#own = ownSettings(demo)
        if (readBefore() === undefined) writeBefore(beforeLesson(demo))
      } finally {
        this.entered.set(played)
      }
    })
  }

  /** It is left, for another one or for another face of the page. */
  leave(parts: Parts, scenario: Scenario): void {
    const { demo } = parts
    this.#then(demo, async () => {
      const own = this.#own
      this.#own = undefined
      const said: string[] = []
      demo.messages.forget('lesson')
      try {
        said.push(...undo(parts, [scenario]))
        if (own !== undefined) said.push(...this.#putBackOwn(demo, own))
      } finally {
        await this.#release?.()
        this.#release = undefined
      }
      said.push(...(await putBackShared(parts)))
      say(demo, said)
    })
  }

  /** What a lesson has left that nobody left in order. */
  tidy(parts: Parts): void {
    this.#then(parts.demo, async () => say(parts.demo, await putBackShared(parts)))
  }

  #putBackOwn(demo: Demo, own: OwnSettings): string[] {
    const { generator, secondGroup, jobs } = demo
    const said: string[] = []
    if (generator.isOn.value && !own.isFlowing) {
      generator.stop()
      said.push('the flow has stopped')
    }
    generator.setRate(own.rate)
    if (secondGroup.isOn.value && !own.isSecondOn) {
      this.#meanwhile(demo, secondGroup.stop())
      said.push('the second group has stopped')
    }
    if (jobs.isWorking.value && !own.isWorkingOnJobs) {
      this.#meanwhile(demo, jobs.stop())
      said.push('this tab works on no jobs')
    }
    return said
  }

  #hold(): Promise<void> {
    return new Promise((resolve, reject) => {
      let leave = () => {}
      const left = new Promise<void>((done) => {
        leave = done
      })
      const held = () => {
        resolve()
        return left
      }
      const free = navigator.locks.request(LOCK, { mode: 'shared' }, held)
      free.catch(reject)
      this.#release = () => {
        leave()
        return free
      }
    })
  }

  #then(demo: Demo, change: () => Promise<void>): void {
    this.#change = this.#change.then(change).catch((error: unknown) => sayFailure(demo, error))
  }

  /** They finish what they are at, which takes as long as that takes. */
  #meanwhile(demo: Demo, stopping: Promise<void>): void {
    stopping.catch((error: unknown) => sayFailure(demo, error))
  }
}

function ownSettings({ generator, secondGroup, jobs }: Demo): OwnSettings {
  return {
    rate: generator.rate.value,
    isFlowing: generator.isOn.value,
    isSecondOn: secondGroup.isOn.value,
    isWorkingOnJobs: jobs.isWorking.value,
  }
}

function beforeLesson({ workMs, membership, outbox, shown, worker }: Demo): BeforeLesson {
  // Those that the lesson before has just started are not in the group yet.
  const isStarted = worker.status(performance.now()).isStarted
  return {
    workMs: workMs.value,
    membership: membership.value,
    line: outbox.line.value,
    wereStopped: shown.value.state !== undefined && isGroupEmpty(shown.value) && !isStarted,
    did: [],
  }
}

/** Unless some tab is in a lesson still. */
function putBackShared(parts: Parts): Promise<string[]> {
  return navigator.locks.request(LOCK, { ifAvailable: true }, (lock) => {
    const before = readBefore()
    if (lock === null || before === undefined) return []
    const said = putBackSettings(parts.demo, before)
    said.push(...undo(parts, SCENARIOS))
    forgetBefore()
    return said
  })
}

function putBackSettings({ workMs, membership, outbox }: Demo, before: BeforeLesson): string[] {
  const said: string[] = []
  if (workMs.value !== before.workMs) {
    workMs.set(before.workMs)
    said.push(`a message takes ${workMs.value} ms`)
  }
  if (membership.value !== before.membership) {
    membership.set(before.membership === 'static' ? 'static' : 'dynamic')
    const wait = membership.value === 'dynamic' ? ', after ten seconds for the static ones' : ''
    said.push(`members are ${membership.value}${wait}`)
  }
  if (outbox.line.value !== before.line) {
    outbox.line.set(before.line === 'cut' ? 'cut' : 'connected')
    said.push(`the line is ${outbox.line.value}`)
  }
  return said
}

/** What these have done, whichever tab they did it in, and whatever became of its page since. */
function undo(parts: Parts, scenarios: readonly Scenario[]): string[] {
  return scenarios.flatMap(({ putBack }) => {
    const before = readBefore()
    if (putBack === undefined || before?.did.includes(putBack.deed) !== true) return []
    forgetDeed(putBack.deed)
    return putBack.undo(parts, before) ?? []
  })
}

function say({ messages }: Demo, said: readonly string[]): void {
  if (said.length === 0) return
  messages.say('lesson', 'info', `As before the lesson: ${said.join(', ')}.`)
}

function sayFailure({ messages }: Demo, error: unknown): void {
  messages.fail('lesson', 'Not all is as it was before the lesson', error)
}
