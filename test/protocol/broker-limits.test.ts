import { expect, test } from 'vitest'
import { parseBrokerLimits } from '../../src/protocol/broker-limits.js'
import { BROKER_LIMITS } from '../../src/protocol/limits.js'
import { thrownBy } from './thrown.js'

test('limits that are given replace the defaults, and the others stay', () => {
  expect(parseBrokerLimits(undefined)).toEqual(BROKER_LIMITS)
  expect(parseBrokerLimits({ tailBytes: 1, topicsMax: undefined })).toEqual({
    ...BROKER_LIMITS,
    tailBytes: 1,
  })
})

test.each<[what: string, limits: unknown, option: string]>([
  ['no object', 5, 'limits'],
  ['null', null, 'limits'],
  ['a list', [1], 'limits'],
  ['a limit that there is not', { tailByte: 1 }, 'tailByte'],
  ['a name that every object has', { toString: 1 }, 'toString'],
  ['less than nothing', { batchBytesMax: -1 }, 'batchBytesMax'],
  ['nothing', { topicsMax: 0 }, 'topicsMax'],
  ['a fraction', { tailBytes: 1.5 }, 'tailBytes'],
  ['no end', { tailBytes: Infinity }, 'tailBytes'],
  ['a string', { tailBytes: '4MB' }, 'tailBytes'],
  ['null for a limit', { tailBytes: null }, 'tailBytes'],
  ['a range without a value', { sessionTimeoutMsMin: 60 * 60_000 }, 'sessionTimeoutMsMin'],
])('%s is refused by name', (_, limits, option) => {
  expect(thrownBy(() => parseBrokerLimits(limits))).toMatchObject({
    code: 'INVALID_CONFIG',
    details: { option },
  })
})
