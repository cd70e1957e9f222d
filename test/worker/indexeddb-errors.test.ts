import { describe, expect, it } from 'vitest'
import { TabmqError } from '../../src/protocol/errors.js'
import { isConnectionLost, toOpenError, toStorageError } from '../../worker/indexeddb-errors.js'

const named = (name: string, message = 'of the browser'): DOMException =>
  new DOMException(message, name)

describe('toOpenError', () => {
  it.each([
    ['SecurityError', 'STORAGE_BLOCKED'],
    ['InvalidStateError', 'STORAGE_BLOCKED'],
    ['VersionError', 'STORAGE_VERSION_TOO_NEW'],
    ['QuotaExceededError', 'STORAGE_FULL'],
    ['UnknownError', 'STORAGE_ERROR'],
    ['AbortError', 'STORAGE_ERROR'],
  ])('reads %s as %s', (name, code) => {
    const cause = named(name)
    expect(toOpenError(cause, 'shop')).toMatchObject({ code, cause })
  })
})

describe('toStorageError', () => {
  it.each([
    ['QuotaExceededError', 'STORAGE_FULL'],
    ['InvalidStateError', 'STORAGE_ERROR'],
    ['DataCloneError', 'STORAGE_ERROR'],
    ['UnknownError', 'STORAGE_ERROR'],
  ])('reads %s as %s', (name, code) => {
    const cause = named(name)
    expect(toStorageError(cause, 'a commit')).toMatchObject({ code, cause })
  })

  it('tells a full disk by name, whatever the class', () => {
    class QuotaExceededError extends Error {
      override readonly name = 'QuotaExceededError'
    }
    expect(toStorageError(new QuotaExceededError(), 'a commit').code).toBe('STORAGE_FULL')
    expect(toStorageError({ name: 'QuotaExceededError' }, 'a commit').code).toBe('STORAGE_FULL')
  })

  it('says what was done and what the browser said', () => {
    expect(toStorageError(named('UnknownError', 'disk I/O'), 'a commit').message).toBe(
      'a commit failed: UnknownError: disk I/O',
    )
  })

  it('takes anything that can be thrown', () => {
    for (const thrown of [undefined, null, 'text', 1, {}, { name: 7 }]) {
      expect(toStorageError(thrown, 'a commit').code).toBe('STORAGE_ERROR')
    }
  })

  it('leaves an error of our own as it is', () => {
    const error = new TabmqError('BROKER_SUPERSEDED', 'another broker')
    expect(toStorageError(error, 'a commit')).toBe(error)
    expect(toOpenError(error, 'shop')).toBe(error)
  })
})

describe('isConnectionLost', () => {
  it('is so for a closing connection and what its closing aborts', () => {
    expect(isConnectionLost(named('InvalidStateError'))).toBe(true)
    expect(isConnectionLost(named('AbortError'))).toBe(true)
    expect(
      isConnectionLost(named('UnknownError', 'Connection to Indexed Database server lost.')),
    ).toBe(true)
  })

  it('is not so for errors that a new connection would meet again', () => {
    expect(isConnectionLost(named('QuotaExceededError'))).toBe(false)
    expect(isConnectionLost(named('UnknownError', 'disk I/O'))).toBe(false)
    expect(isConnectionLost(new TabmqError('BROKER_SUPERSEDED', 'another broker'))).toBe(false)
    expect(isConnectionLost(undefined)).toBe(false)
  })
})
