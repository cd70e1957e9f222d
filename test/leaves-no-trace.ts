/**
 * Test files share a thread one after the other, modules and globals with it, which takes half of the time.
 * So each has to leave the globals as they were, or fails: what it leaves would fail one that comes later.
 */
import { afterAll, expect } from 'vitest'

const REPLACEABLE = [
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'setImmediate',
  'Date',
  'navigator',
  'addEventListener',
  'fetch',
] as const

/** Of the thread, by whichever file was first. */
const PRISTINE = Symbol.for('tabmq.test.pristine')
const pristine = pristineGlobals()

// What comes back only when Vitest undoes a file's mocks is seen by the file after it.
expectPristine('left by a file before this one')
afterAll(() => expectPristine('left by this file'))

function expectPristine(by: string): void {
  const replaced = REPLACEABLE.filter(
    (name) => pristine.get(name) !== Reflect.get(globalThis, name),
  )
  expect(replaced, by).toEqual([])
}

function pristineGlobals(): ReadonlyMap<string, unknown> {
  const known = Reflect.get(globalThis, PRISTINE) as ReadonlyMap<string, unknown> | undefined
  if (known !== undefined) return known
  const found = new Map(REPLACEABLE.map((name) => [name, Reflect.get(globalThis, name)] as const))
  Reflect.set(globalThis, PRISTINE, found)
  return found
}
