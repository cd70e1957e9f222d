/**
 * How things were before a lesson, and what it has done since that is to be undone: written down in
 * localStorage before a lesson changes anything, so that a reload in the middle does not take the lesson's
 * for the reader's own. All tabs have it in common, as they have what it is about.
 */
import type { Deed } from './scenario.js'

const STORAGE_KEY = 'tabmq-demo-before-lesson'
const DEEDS: readonly Deed[] = ['workers stopped', 'poison sent']

export interface BeforeLesson {
  readonly workMs: number
  readonly membership: string
  readonly line: string
  /** Whether the reader had stopped all workers. */
  readonly wereStopped: boolean
  /** What lessons have done and not undone. */
  readonly did: readonly Deed[]
}

/** Undefined when no lesson is to be put back. */
export function readBefore(): BeforeLesson | undefined {
  const text = localStorage.getItem(STORAGE_KEY)
  if (text === null) return undefined
  try {
    const { workMs, membership, line, wereStopped, did } = JSON.parse(text) as Partial<BeforeLesson>
    if (typeof workMs !== 'number' || membership === undefined || line === undefined) {
      return undefined
    }
    const deeds = DEEDS.filter((deed) => did?.includes(deed) === true)
    return { workMs, membership, line, wereStopped: wereStopped === true, did: deeds }
  } catch {
    return undefined
  }
}

export function writeBefore(before: BeforeLesson): void {
  localStorage.setItem(STORAGE_KEY, JSON.stringify(before))
}

export function forgetBefore(): void {
  localStorage.removeItem(STORAGE_KEY)
}

/** A lesson does something that is to be undone. */
export function noteDeed(deed: Deed): void {
  const before = readBefore()
  if (before !== undefined) writeBefore({ ...before, did: [...before.did, deed] })
}

/** It is undone. */
export function forgetDeed(deed: Deed): void {
  const before = readBefore()
  if (before === undefined) return
  writeBefore({ ...before, did: before.did.filter((one) => one !== deed) })
}
