import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TabmqError } from '../../src/protocol/errors.js'
import { parseHello } from '../../src/protocol/parse-hello.js'
import { PROTOCOL_VERSION } from '../../src/protocol/protocol-version.js'
import { thrownBy } from './thrown.js'

describe('a hello', () => {
  const hello = {
    protocolVersion: PROTOCOL_VERSION,
    sessionId: 's',
    clientId: 'shop',
    lockName: 'l',
    brokerName: 'b',
  }

  it('comes out as it came in, with or without a lock and the name of a broker', () => {
    expect(parseHello({ ...hello, besides: 1 })).toEqual(hello)
    const { protocolVersion, sessionId, clientId } = hello
    const least = { protocolVersion, sessionId, clientId }
    expect(parseHello({ ...least, lockName: undefined })).toEqual(least)
  })

  it('with a wrong name of a broker is refused', () => {
    for (const brokerName of ['', null, 'x'.repeat(101)]) {
      expect(thrownBy(() => parseHello({ ...hello, brokerName })).code).toBe('INVALID_CONFIG')
    }
  })

  it('of another version is told both versions', () => {
    for (const [protocolVersion, code] of [
      [PROTOCOL_VERSION + 1, 'UNSUPPORTED_VERSION'],
      [PROTOCOL_VERSION - 1, 'BROKER_SUPERSEDED'],
    ] as const) {
      const error = thrownBy(() => parseHello({ ...hello, protocolVersion }))
      expect(error.code).toBe(code)
      expect(error.details).toEqual({
        brokerVersion: PROTOCOL_VERSION,
        tabVersion: protocolVersion,
      })
    }
  })

  it.each([
    ['protocolVersion', undefined, 'hello.protocolVersion'],
    ['protocolVersion', '1', 'hello.protocolVersion'],
    ['sessionId', undefined, 'sessionId'],
    ['sessionId', '', 'sessionId'],
    ['clientId', undefined, 'hello.clientId'],
    ['clientId', 'x'.repeat(256), 'hello.clientId'],
    ['lockName', 7, 'hello.lockName'],
    ['lockName', 'x'.repeat(1_001), 'hello.lockName'],
  ])('with %s %o names it', (field, value, named) => {
    const error = thrownBy(() => parseHello({ ...hello, [field]: value }))
    expect([error.code, error.details['field']]).toEqual(['INVALID_REQUEST', named])
  })

  it('is never anything but a hello or a typed error, whatever comes over the port', () => {
    const field = fc.constantFrom(...Object.keys(hello))
    fc.assert(
      fc.property(field, fc.anything({ withBigInt: true }), fc.anything(), (key, value, other) => {
        expect(thrownBy(() => parseHello(other)).code).toBe('INVALID_REQUEST')
        try {
          parseHello({ ...hello, [key]: value })
        } catch (error) {
          expect(error).toBeInstanceOf(TabmqError)
        }
      }),
    )
  })
})
