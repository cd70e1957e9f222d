import { expect, test } from 'vitest'
import { describeResults, jsonLines, markdownTable, verdictOf, type Result } from './results.js'

function result(values: readonly number[], target: Partial<Result['target']> = {}): Result {
  return {
    name: 'produce_batch',
    what: '`send` of some',
    unit: 'msgs/s',
    note: '',
    target: { of: 'ratio', isAtLeast: true, must: 12, aim: 25, ...target },
    contenders: values.map((value, index) => ({
      name: index === 0 ? 'tabmq' : 'idb',
      guarantee: 'committed',
      value,
      all: [value],
    })),
  }
}

test.each([
  ['more than the aim', [300, 10], {}, 'aim'],
  ['what must be', [130, 10], {}, 'must'],
  ['less', [100, 10], {}, 'short'],
  ['a ratio that is small enough', [13, 10], { isAtLeast: false, must: 2, aim: 1.3 }, 'aim'],
  ['a value that is small enough', [90], { of: 'value', isAtLeast: false, must: 100 }, 'must'],
  ['a value that is not', [101], { of: 'value', isAtLeast: false, must: 100 }, 'short'],
  ['nothing that could be measured', [Number.NaN, 10], {}, 'short'],
] as const)('%s', (_, values, target, verdict) => {
  expect(verdictOf(result(values, target))).toBe(verdict)
})

test('a line of JSON for each, with the peer or null', () => {
  const lines = jsonLines([result([123_456, 10_000]), result([8])])
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    {
      figure: 'produce_batch',
      value: 123_500,
      unit: 'msgs/s',
      peer: 'idb',
      peer_value: 10_000,
      ratio: 12.35,
    },
    {
      figure: 'produce_batch',
      value: 8,
      unit: 'msgs/s',
      peer: null,
      peer_value: null,
      ratio: null,
    },
  ])
})

test('what was not reached is said so', () => {
  const short = result([100_000, 10_000])
  expect(describeResults([short])).toContain('NOT reached: ≥ 12× (≥ 25×)')
  expect(markdownTable([short])).toContain('| 100,000 msgs/s | idb: 10,000 msgs/s | 10× |')
  expect(markdownTable([short])).toContain('not reached')
})
