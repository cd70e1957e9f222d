import { describe, expect, it } from 'vitest'
import {
  FINAL_CODES,
  fromWireError,
  hasCode,
  RETRIABLE_CODES,
  TabmqError,
  toWireError,
} from '../../src/protocol/errors.js'

const codes = [...RETRIABLE_CODES, ...FINAL_CODES]

describe('errors', () => {
  it.each(codes)('%s crosses the port and is the same afterwards', (code) => {
    const sent = new TabmqError(code, 'it went wrong', { topic: 'orders', partition: 3 })
    const received = fromWireError(structuredClone(toWireError(sent)))
    expect(received).toBeInstanceOf(TabmqError)
    expect(received.code).toBe(code)
    expect(received.message).toBe('it went wrong')
    expect(received.details).toEqual({ topic: 'orders', partition: 3 })
    expect(received.retriable).toBe(RETRIABLE_CODES.some((one) => one === code))
  })

  it('are errors with a cause', () => {
    const cause = new Error('below')
    const error = new TabmqError('STORAGE_ERROR', 'above', {}, cause)
    expect(error).toBeInstanceOf(Error)
    expect([error.name, error.cause, error.details]).toEqual(['TabmqError', cause, {}])
    expect('cause' in new TabmqError('STORAGE_ERROR', 'alone')).toBe(false)
  })

  it('may be repeated only when waiting can help', () => {
    expect(new Set(codes).size).toBe(codes.length)
    expect([...RETRIABLE_CODES].sort()).toEqual([
      'BROKER_UNAVAILABLE',
      'CODE_NOT_LOADED',
      'DELIVERY_TIMED_OUT',
      'REQUEST_TIMED_OUT',
      'STALE_MEMBER_EPOCH',
      'STORAGE_ERROR',
      'THROTTLING_QUOTA_EXCEEDED',
    ])
  })

  it('say of anything else that it is a bug', () => {
    const ofBug = toWireError(new TypeError('x is not a function'))
    expect(ofBug).toEqual({
      code: 'UNKNOWN_SERVER_ERROR',
      message: 'TypeError: x is not a function',
      details: {},
    })
    expect(toWireError('thrown text').message).toBe('thrown text')
    expect(toWireError(undefined).code).toBe('UNKNOWN_SERVER_ERROR')
  })

  it('are told by their code', () => {
    const error = new TabmqError('STORAGE_FULL', 'full')
    expect(hasCode(error, 'STORAGE_ERROR', 'STORAGE_FULL')).toBe(true)
    expect(hasCode(error, 'STORAGE_ERROR')).toBe(false)
    expect(hasCode({ code: 'STORAGE_FULL' }, 'STORAGE_FULL')).toBe(false)
  })
})
