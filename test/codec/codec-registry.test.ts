import { describe, expect, it } from 'vitest'
import type { Codec } from '../../src/codec/codec.js'
import { CodecRegistry } from '../../src/codec/codec-registry.js'
import { TabmqError } from '../../src/protocol/errors.js'

const codec = (fields: Partial<Codec> = {}): Codec => ({
  id: 16,
  name: 'mine',
  encode: () => new Uint8Array(0),
  decode: () => undefined,
  ...fields,
})

function thrown(run: () => unknown): TabmqError {
  try {
    run()
  } catch (error) {
    if (error instanceof TabmqError) return error
  }
  throw new Error('no TabmqError was thrown')
}

describe('CodecRegistry', () => {
  it('has the built-in codecs by id and by name', () => {
    const registry = new CodecRegistry()
    const names = [0, 1, 2, 3].map((id) => registry.byId(id).name)
    expect(names).toEqual(['structured', 'json', 'text', 'bytes'])
    expect(names.map((name) => registry.byName(name).id)).toEqual([0, 1, 2, 3])
  })

  it('takes codecs of one’s own from id 16 to 255', () => {
    const lowest = codec()
    const highest = codec({ id: 255, name: 'other' })
    const registry = new CodecRegistry([lowest, highest])
    expect(registry.byId(16)).toBe(lowest)
    expect(registry.byName('other')).toBe(highest)
  })

  it.each([15, 0, 256, -1, 16.5, Number.NaN, '16', undefined])('refuses %o as an id', (id) => {
    const error = thrown(() => new CodecRegistry([codec({ id: id as number })]))
    expect(error.code).toBe('INVALID_CONFIG')
    expect(error.message).toContain('"mine"')
    expect(error.details).toMatchObject({ name: 'mine' })
  })

  it('refuses an id or a name that is taken, and names it', () => {
    const sameId = thrown(() => new CodecRegistry([codec(), codec({ name: 'other' })]))
    expect(sameId.code).toBe('INVALID_CONFIG')
    expect(sameId.message).toBe('id 16 belongs to codec "mine"')
    const sameName = thrown(() => new CodecRegistry([codec({ name: 'json' })]))
    expect(sameName.code).toBe('INVALID_CONFIG')
    expect(sameName.message).toBe('there is a codec named "json" already')
  })

  it('refuses a codec without a name or without its functions', () => {
    for (const fields of [{ name: '' }, { name: 5 }, { encode: undefined }, { decode: 'x' }]) {
      const incomplete = codec(fields as unknown as Partial<Codec>)
      expect(thrown(() => new CodecRegistry([incomplete])).code).toBe('INVALID_CONFIG')
    }
  })

  it('says which codec it does not have', () => {
    const registry = new CodecRegistry([codec()])
    const byId = thrown(() => registry.byId(99))
    expect([byId.code, byId.details]).toEqual(['UNSUPPORTED_CODEC', { codecId: 99 }])
    expect(byId.message).toContain('99')
    const byName = thrown(() => registry.byName('avro'))
    expect([byName.code, byName.details]).toEqual(['UNSUPPORTED_CODEC', { codec: 'avro' }])
    expect(byName.message).toContain('structured, json, text, bytes, mine')
  })
})
