/**
 * Puts back what a lesson has set, when it is left. Settings that all tabs have in common are written down
 * in localStorage before a lesson changes them, so that a reload in the middle does not take the lesson's
 * for the reader's own; a lock says that some tab is in a lesson. What a tab was closed upon, the next page
 * that is opened outside of lessons puts back.
 */
import type { Demo } from '../app/demo.js'
import type { Parts } from '../app/parts.js'
import { isGroupEmpty } from './conditions.js'
import type { Scenario } from './scenario.js'

const STORAGE_KEY = 'tabmq-demo-before-lesson'
const LOCK = 'tabmq-demo:lesson'

interface SharedSettings {
  readonly workMs: number
  readonly membership: string
  readonly line: string
}

/** Of this tab only: it ends with its page. */
interface OwnSettings {
  readonly rate: number
  readonly isFlowing: boolean
  readonly isSecondOn: boolean
  readonly isWorkingOnJobs: boolean
  readonly wasGroupEmpty: boolean
}

export class PutBack {
  /** One after the other. */
  #change: Promise<void> = Promise.resolve()
  #own: OwnSettings | undefined
  /** Lets go of the lock, and resolves when it is free. */
  #release: (() => Promise<unknown>) | undefined

  /** A lesson begins. */
  enter({ demo }: Parts): void {
    this.#then(demo, async () => {
      await this.#hold()
      this.#own = ownSettings(demo)
      if (readSettings() === undefined) writeSettings(sharedSettings(demo))
    })
  }

  /** It is left, for another one or for another face of the page. */
  leave(parts: Parts, scenario: Scenario): void {
    this.#then(parts.demo, async () => {
      const own = this.#own
      this.#own = undefined
      const did = own?.wasGroupEmpty === true ? undefined : scenario.putBack?.(parts)
      const said = did === undefined ? [] : [did]
      try {
        if (own !== undefined) said.push(...(await putBackOwn(parts.demo, own)))
      } finally {
        await this.#release?.()
        this.#release = undefined
      }
      said.push(...(await putBackShared(parts.demo)))
      say(parts.demo, said)
    })
  }

  /** What a lesson has left that nobody left in order. */
  tidy({ demo }: Parts): void {
    this.#then(demo, async () => say(demo, await putBackShared(demo)))
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

  #then({ messages }: Demo, change: () => Promise<void>): void {
    const failure = 'Not all is as it was before the lesson'
    this.#change = this.#change
      .then(change)
      .catch((error: unknown) => messages.fail('lesson', failure, error))
  }
}

function ownSettings({ generator, secondGroup, jobs, shown }: Demo): OwnSettings {
  return {
    rate: generator.rate.value,
    isFlowing: generator.isOn.value,
    isSecondOn: secondGroup.isOn.value,
    isWorkingOnJobs: jobs.isWorking.value,
    wasGroupEmpty: shown.value.state !== undefined && isGroupEmpty(shown.value),
  }
}

async function putBackOwn(demo: Demo, own: OwnSettings): Promise<string[]> {
  const { generator, secondGroup, jobs } = demo
  const said: string[] = []
  if (generator.isOn.value && !own.isFlowing) {
    generator.stop()
    said.push('the flow has stopped')
  }
  generator.setRate(own.rate)
  if (secondGroup.isOn.value && !own.isSecondOn) {
    await secondGroup.stop()
    said.push('the second group has stopped')
  }
  if (jobs.isWorking.value && !own.isWorkingOnJobs) {
    await jobs.stop()
    said.push('this tab works on no jobs')
  }
  return said
}

function sharedSettings({ workMs, membership, outbox }: Demo): SharedSettings {
  return { workMs: workMs.value, membership: membership.value, line: outbox.line.value }
}

/** Unless some tab is in a lesson still. */
function putBackShared(demo: Demo): Promise<string[]> {
  return navigator.locks.request(LOCK, { ifAvailable: true }, (lock) => {
    const before = readSettings()
    if (lock === null || before === undefined) return []
    localStorage.removeItem(STORAGE_KEY)
    const { workMs, membership, outbox } = demo
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
  })
}

function say({ messages }: Demo, said: readonly string[]): void {
  if (said.length === 0) return
  messages.forget('lesson')
  messages.say('lesson', 'info', `As before the lesson: ${said.join(', ')}.`)
}

function writeSettings(settings: SharedSettings): void {
  localStorage.setItem(STORAGE_KEY, JSON.stringify(settings))
}

function readSettings(): SharedSettings | undefined {
  const text = localStorage.getItem(STORAGE_KEY)
  if (text === null) return undefined
  try {
    const { workMs, membership, line } = JSON.parse(text) as Partial<SharedSettings>
    if (typeof workMs !== 'number' || membership === undefined || line === undefined) {
      return undefined
    }
    return { workMs, membership, line }
  } catch {
    return undefined
  }
}
