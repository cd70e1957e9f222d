/** What docs/guarantees.md says is shown somewhere: there, under that name. */
import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const directory = new URL('../docs/', import.meta.url)
const text = readFileSync(new URL('guarantees.md', directory), 'utf8')

/** A link to a file, and the title of a test in it if one follows. */
const references = [...text.matchAll(/\[`([^`]+)`\]\(([^)]+)\)(?:\s+“([^”]+)”)?/g)].map(
  ([, name = '', link = '', title]) => ({ name, link, title }),
)

test('every promise names where it is shown', () => {
  const promises = text.split(/^### /m).slice(1)
  const unshown = promises.filter((promise) => !promise.includes('\nShown by\n'))
  expect(unshown.map((promise) => promise.split('\n')[0])).toEqual([])
})

test.each(references)('$name $title', ({ name, link, title }) => {
  expect(link).toBe(`../${name}`)
  const file = new URL(link, directory)
  expect(existsSync(file)).toBe(true)
  if (title === undefined) return
  const code = readFileSync(file, 'utf8')
  expect(code).not.toMatch(/\b(?:test|it|describe)\.(?:skip|fixme|only)\(['`]/)
  expect(code.split('\n').filter((line) => isTitle(line, title))).not.toEqual([])
})

test('every checker of the simulator is named', () => {
  const names = new Set(references.map(({ name }) => name))
  const files = ['add-checkers.ts', 'share/add-share-checkers.ts'].flatMap((list) => {
    const checkers = readFileSync(new URL(`sim/checkers/${list}`, import.meta.url), 'utf8')
    const folder = `test/sim/checkers/${list.includes('/') ? 'share/' : ''}`
    const imports = checkers.matchAll(/from '\.\/([\w-]+-checker)\.js'/g)
    return [...imports].map(([, file]) => `${folder}${file}.ts`)
  })
  expect(files.length).toBeGreaterThan(20)
  expect(files.filter((file) => !names.has(file))).toEqual([])
})

/** Whether a test has this title: on the line of its call, or on one of its own. */
function isTitle(line: string, title: string): boolean {
  const [before = '', ...after] = line.split(title)
  return after.length > 0 && /^\s*(?:(?:(?:test|it)|\]?\))\()?(?:['`](?:\$\{\w+\} )?)$/.test(before)
}
