import { describe, expect, it } from 'vitest'
import { Fields } from '../../src/protocol/fields.js'
import { thrownBy } from './thrown.js'

const fields = (value: unknown) => new Fields('request', value)

describe('fields', () => {
  it('come from plain objects only', () => {
    const clones = [new Date(0), new Map(), new Set(), new Error('e'), new Uint8Array(1), /x/]
    for (const value of [undefined, null, 1, 'a', [], () => 1, ...clones]) {
      const error = thrownBy(() => fields(value))
      expect([error.code, error.details['field']]).toEqual(['INVALID_REQUEST', 'request'])
    }
  })

  it('are own fields: what the prototype has is missing', () => {
    const inherited = fields(Object.create({ count: 3 }))
    expect(inherited.has('count')).toBe(false)
    expect(thrownBy(() => inherited.integer('count')).details['field']).toBe('request.count')
    expect(fields({}).has('toString')).toBe(false)
  })

  it('are absent when they are undefined', () => {
    expect(fields({ a: undefined, b: null }).has('a')).toBe(false)
    expect(fields({ a: undefined, b: null }).has('b')).toBe(true)
  })

  it('take integers in their range, ends included', () => {
    const range = { min: 1, max: 3 }
    for (const count of [1, 2, 3]) expect(fields({ count }).integer('count', range)).toBe(count)
    for (const count of [0, 4, 1.5, NaN, Infinity, 2n, '2', null, [2]]) {
      const error = thrownBy(() => fields({ count }).integer('count', range))
      expect(error.details['field']).toBe('request.count')
      expect(error.message).toContain('a whole number from 1 to 3')
    }
    expect(thrownBy(() => fields({ at: 2 ** 53 }).integer('at')).code).toBe('INVALID_REQUEST')
  })

  it('take strings of a length', () => {
    expect(fields({ id: 'abc' }).string('id', 3)).toBe('abc')
    expect(thrownBy(() => fields({ id: 'abcd' }).string('id', 3)).details['field']).toBe(
      'request.id',
    )
  })

  it('take one of several values', () => {
    expect(fields({ acks: -1 }).oneOf('acks', [-1, 0, 1])).toBe(-1)
    expect(thrownBy(() => fields({ acks: 2 }).oneOf('acks', [-1, 0, 1])).message).toBe(
      'request.acks must be one of -1, 0, 1, not 2',
    )
  })

  it('take array buffers, and no views of them', () => {
    const buffer = new ArrayBuffer(2)
    expect(fields({ batch: buffer }).buffer('batch')).toBe(buffer)
    for (const batch of [new Uint8Array(2), new DataView(buffer), { byteLength: 2 }, 'ab']) {
      expect(thrownBy(() => fields({ batch }).buffer('batch')).code).toBe('INVALID_REQUEST')
    }
  })

  it('take no buffer that can grow', () => {
    const Growing = ArrayBuffer as new (length: number, options: object) => ArrayBuffer
    const batch = new Growing(2, { maxByteLength: 2 ** 30 })
    // An engine without them has made a plain one.
    if (!('resizable' in batch)) return
    expect(thrownBy(() => fields({ batch }).buffer('batch')).code).toBe('INVALID_REQUEST')
  })

  it('name the place of an item that is wrong', () => {
    const parse = (item: unknown, what: string) => new Fields(what, item).integer('id')
    expect(fields({ items: [{ id: 1 }, { id: 2 }] }).list('items', 2, parse)).toEqual([1, 2])
    const wrong = thrownBy(() => fields({ items: [{ id: 1 }, {}] }).list('items', 2, parse))
    expect(wrong.details['field']).toBe('request.items[1].id')
  })

  it('take no list longer than its limit, nor one with holes', () => {
    const parse = (item: unknown, what: string) => new Fields(what, item)
    const tooLong = thrownBy(() => fields({ items: new Array(1e9) }).list('items', 10, parse))
    expect(tooLong.details['field']).toBe('request.items')
    const holes = thrownBy(() => fields({ items: new Array(2) }).list('items', 10, parse))
    expect(holes.details['field']).toBe('request.items[0]')
  })

  it('name the path of an object inside', () => {
    const member = () => fields({ member: { memberEpoch: -1 } }).object('member')
    expect(thrownBy(() => member().integer('memberEpoch')).details).toEqual({
      field: 'request.member.memberEpoch',
      value: '-1',
    })
  })
})
