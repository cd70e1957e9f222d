import { describe, expect, it } from 'vitest'
import { assert, AssertionError, definedOrThrow, unreachable } from '../../src/std/assert.js'

describe('assert', () => {
  it('lets pass what holds, without making up the message', () => {
    assert(true, () => {
      throw new Error('the message was made')
    })
  })

  it('throws an assertion error with the message when it does not hold', () => {
    expect(() => assert(false, () => 'one is not above two')).toThrow(
      new AssertionError('one is not above two'),
    )
  })

  it('gives back what is defined, also when it is falsy', () => {
    for (const value of [0, '', false, null]) expect(definedOrThrow(value, () => '')).toBe(value)
  })

  it('throws an assertion error for undefined', () => {
    expect(() => definedOrThrow(undefined, () => 'it is missing')).toThrow(
      new AssertionError('it is missing'),
    )
  })

  it('names the value that no branch expected', () => {
    expect(() => unreachable({ api: 'x' } as never)).toThrow(
      new AssertionError('unexpected value {"api":"x"}'),
    )
  })
})
