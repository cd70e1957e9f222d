/** README.md shows no code that is not type-checked: each example is in one of the files beside. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const readme = read('../../README.md')
const checked = lines(read('./readme-examples.ts')) + lines(read('./readme-worker.ts'))
const examples = [...readme.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = '']) => code)

test.each(examples.map((code) => [code.trim().split('\n')[0] ?? '', code]))(
  'the example that begins with «%s» is type-checked',
  (_, code) => {
    expect(checked.includes(lines(code))).toBe(true)
  },
)

test('the README has examples', () => {
  expect(examples.length).toBeGreaterThan(10)
})

/** Code without imports, comments that stand before it all, and indentation. */
function lines(code: string): string {
  const kept = code
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => !line.startsWith('import ') && !/^\/\/ \S+\.js$/.test(line))
  return `${kept.join('\n').trim()}\n`
}

function read(path: string): string {
  return readFileSync(new URL(path, import.meta.url), 'utf8')
}
