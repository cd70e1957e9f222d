import { deepStrictEqual } from 'node:assert/strict'
import { createContext, runInContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeStructuredValues,
  encodeStructuredValues,
  structuredCodec,
} from '../../src/codec/structured-codec.js'
import { TreeCheck } from '../../src/codec/structured-tree.js'
import { arbitraryGraph, arbitraryTree, shapeOf } from './structured-values.js'

const roundTrip = (value: unknown): unknown => structuredCodec.decode(structuredCodec.encode(value))

/** As structured clone has it, to the last detail that Node can tell apart. */
const expectCloned = (value: unknown): void => {
  deepStrictEqual(roundTrip(value), structuredClone(value))
}

const withHoles = (length: number, filled: readonly number[]): unknown[] => {
  const array: unknown[] = []
  array.length = length
  for (const at of filled) array[at] = at
  return array
}

const isPlainTree = (value: unknown): boolean => new TreeCheck().isPlainTree(value)

describe('the structured codec gives back', () => {
  it.each([
    ['undefined', undefined],
    ['null', null],
    ['booleans', [true, false]],
    ['integers of every width', [0, 63, 64, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32, 2 ** 53]],
    ['negative integers', [-1, -32, -33, -128, -129, -32_768, -32_769, -(2 ** 31), -(2 ** 53)]],
    ['minus zero', -0],
    ['minus zero inside', { a: [-0, 0] }],
    ['what is no finite number', [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]],
    ['fractions', [0.1, -0.1, Number.MIN_VALUE, Number.MAX_VALUE]],
    ['small big integers', [0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 64n - 1n]],
    ['large big integers', [2n ** 64n, -(2n ** 64n), 2n ** 1000n, -(2n ** 1000n) + 1n]],
    ['huge big integers', [2n ** 70_000n + 12_345n, -(2n ** 70_000n) - 1n]],
    ['strings', ['', 'a', 'é', '€', '😀', '\0', '\uFEFFbom', 'x'.repeat(70_000)]],
    ['lone surrogates', ['\uD800', 'a\uDC00b', { '\uD800': '\uDFFF' }]],
    ['nested objects and arrays', { a: { b: [{ c: [] }, {}] } }],
    ['arrays with holes', [withHoles(5, [1, 3]), [undefined], withHoles(2, [])]],
    ['dates', [new Date(0), new Date(1), new Date(-1), new Date(1e12 + 1), new Date(-8.64e15)]],
    ['regular expressions', [/a(b)+/giu, /\//, /(?<year>\d{4})/y]],
    [
      'maps',
      new Map<unknown, unknown>([
        [1, 'a'],
        ['1', new Map()],
        [{}, { b: 1 }],
        [null, undefined],
      ]),
    ],
    ['sets', new Set([1, '1', null, undefined, Number.NaN, {}, new Set([2])])],
    [
      'boxed primitives',
      [Object(1), Object('a'), Object(true), Object(2n), Object(-0), Object('\uD800')],
    ],
    ['buffers', [new ArrayBuffer(0), Uint8Array.of(1, 2, 3).buffer]],
    ['data views', new DataView(Uint8Array.of(1, 2, 3).buffer)],
    ['objects without a prototype', Object.assign(Object.create(null), { a: 1, b: { c: 2 } })],
  ])('%s', (_name, value) => {
    expectCloned(value)
  })

  it.each([
    Int8Array,
    Uint8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
    Float32Array,
    Float64Array,
  ])('%o', (type) => {
    expectCloned(type.of(1, 2, 250))
    expectCloned(new type(0))
    expectCloned(new type(500).fill(7))
    expectCloned([new type(70_000).fill(3), -0])
  })

  it('an invalid date', () => {
    for (const value of [new Date(Number.NaN), [new Date(Number.NaN), -0]]) {
      expect(roundTrip(value)).toStrictEqual(value)
    }
  })

  it('arrays of big integers', () => {
    expectCloned([BigInt64Array.of(1n, -(2n ** 63n)), BigUint64Array.of(2n ** 64n - 1n)])
  })

  it('the part of a buffer that a view shows, and no more', () => {
    const view = new Uint8Array(1000).fill(9).subarray(10, 13)
    for (const value of [view, { view, other: -0 }]) {
      const decoded = roundTrip(value) as Uint8Array | { view: Uint8Array }
      const copy = 'view' in decoded ? decoded.view : decoded
      expect([...copy]).toEqual([9, 9, 9])
      expect(copy.buffer.byteLength).toBe(3)
    }
  })

  it('bytes that belong to the reader alone', () => {
    const encoded = structuredCodec.encode([Uint8Array.of(1), Buffer.from([2]), new ArrayBuffer(2)])
    const [bytes] = structuredCodec.decode(encoded) as [Uint8Array]
    bytes[0] = 99
    expect((structuredCodec.decode(encoded) as [Uint8Array])[0]).toEqual(Uint8Array.of(1))
  })

  it('names like those that JavaScript objects have', () => {
    const names = ['constructor', 'hasOwnProperty', 'toString', 'valueOf', '__keys__', 'length']
    for (const name of [...names, '__proto__', '__defineGetter__', '', '0', '-1', '4294967295']) {
      const value = JSON.parse(`{"before":1,${JSON.stringify(name)}:{"a":1},"after":2}`) as object
      expectCloned(value)
      expectCloned([{ before: 1 }, value, value, { before: 1, after: 2 }])
      expectCloned(JSON.parse(`{${JSON.stringify(name)}:null}`))
    }
  })

  it('many shapes of objects at once', () => {
    const many = Array.from({ length: 300 }, (_, at) => ({ [`name${at}`]: at, shared: { at } }))
    expectCloned([...many, ...many.map((each) => ({ ...each }))])
    expectCloned(Object.fromEntries(many.map((each, at) => [`key ${at}`, { ...each }])))
  })

  it('objects of more names than fit one shape', () => {
    expectCloned(Object.fromEntries(Array.from({ length: 70_000 }, (_, at) => [`name${at}`, at])))
  })

  it('instances of classes as what they hold', () => {
    class Order {
      readonly id = 1
      readonly #secret = 2
      get total(): number {
        return this.#secret
      }
      toJSON(): string {
        return 'no'
      }
    }
    class Priority extends Order {
      readonly level = 3
    }
    expect(roundTrip(new Order())).toStrictEqual({ id: 1 })
    expect(roundTrip([new Priority(), -0])).toStrictEqual([{ id: 1, level: 3 }, -0])
    expectCloned({ order: new Order() })
  })

  it('what getters return, and not what toJSON does', () => {
    expect(
      roundTrip({
        get a() {
          return [1]
        },
      }),
    ).toStrictEqual({ a: [1] })
    const { toJSON } = { toJSON: 5 }
    expect(roundTrip({ toJSON, a: 1 })).toStrictEqual({ toJSON: 5, a: 1 })
    expect(
      roundTrip(
        new (class {
          a = 1
          toJSON() {
            return 7
          }
        })(),
      ),
    ).toStrictEqual({ a: 1 })
  })

  it('objects of another realm', () => {
    const foreign: unknown = runInContext(
      `({ date: new Date(5), map: new Map([[1, [2]]]), set: new Set([1]), regexp: /a/g,
          error: new TypeError('no'), bytes: Uint8Array.of(1, 2), buffer: new ArrayBuffer(2) })`,
      createContext(),
    )
    const decoded = roundTrip(foreign) as Record<string, unknown>
    expect(decoded['date']).toStrictEqual(new Date(5))
    expect(decoded['map']).toStrictEqual(new Map([[1, [2]]]))
    expect(decoded['set']).toStrictEqual(new Set([1]))
    expect(decoded['regexp']).toStrictEqual(/a/g)
    expect(decoded['error']).toBeInstanceOf(TypeError)
    expect(decoded['bytes']).toStrictEqual(Uint8Array.of(1, 2))
    expect(decoded['buffer']).toStrictEqual(new ArrayBuffer(2))
  })

  it('subclasses of what it knows as what they extend', () => {
    class Names extends Map<string, number> {
      override get [Symbol.toStringTag](): string {
        return 'Names'
      }
    }
    expect(roundTrip(new Names([['a', 1]]))).toStrictEqual(new Map([['a', 1]]))
    expect(roundTrip(new (class extends Date {})(5))).toStrictEqual(new Date(5))
    expect(roundTrip(new (class extends Array<number> {})(1, 2))).toStrictEqual([1, 2])
    expect(roundTrip(Buffer.from([1, 2]))).toStrictEqual(Uint8Array.of(1, 2))
  })

  it('errors with name, message, stack and cause', () => {
    for (const type of [
      Error,
      EvalError,
      RangeError,
      ReferenceError,
      SyntaxError,
      TypeError,
      URIError,
    ]) {
      const error = new type('what happened')
      const decoded = roundTrip(error) as Error
      expect(decoded).toBeInstanceOf(type)
      expect(Object.keys(decoded)).toEqual([])
      expect(decoded.message).toBe('what happened')
      expect(decoded.name).toBe(error.name)
      expect(decoded.stack).toBe(error.stack)
      expect(Object.hasOwn(decoded, 'cause')).toBe(false)
    }
    class NotFoundError extends Error {
      override readonly name = 'NotFoundError'
    }
    const nested = roundTrip({ error: new NotFoundError('x', { cause: new RangeError('y') }) })
    const { error } = nested as { error: Error }
    expect(error.name).toBe('NotFoundError')
    expect(String(error)).toBe('NotFoundError: x')
    expect(error.cause).toBeInstanceOf(RangeError)
    const aborted = roundTrip(new DOMException('stopped', 'AbortError')) as Error
    expect([aborted.name, aborted.message]).toEqual(['AbortError', 'stopped'])
  })

  it('an error that is its own cause', () => {
    const error = new Error('a')
    error.cause = { error }
    const decoded = roundTrip(error) as Error & { cause: { error: unknown } }
    expect(decoded.cause.error).toBe(decoded)
  })

  it('values of any depth', () => {
    let list: unknown = null
    for (let depth = 0; depth < 50_000; depth++) list = { next: list }
    let decoded = roundTrip(list) as { next: unknown } | null
    let depth = 0
    for (; decoded !== null; depth++) decoded = decoded.next as { next: unknown } | null
    expect(depth).toBe(50_000)
  })

  it('an array that is nearly all hole, without filling it', () => {
    const array: unknown[] = []
    array[4_294_967_290] = 'far'
    array[5] = 'near'
    const decoded = roundTrip(array) as unknown[]
    expect(decoded.length).toBe(4_294_967_291)
    expect(Object.keys(decoded)).toEqual(['5', '4294967290'])
  })

  it('any tree as structured clone would', () => {
    fc.assert(fc.property(arbitraryTree, expectCloned), { numRuns: 1000 })
  })

  it('cycles and shared references with every identity kept', () => {
    fc.assert(
      fc.property(arbitraryGraph, (value) => {
        expect(shapeOf(roundTrip(value))).toBe(shapeOf(value))
      }),
      { numRuns: 500 },
    )
  })

  it('a shared part among many', () => {
    const parts = Array.from({ length: 40 }, (_, at) => ({ at }))
    const value = [...parts, parts[39]]
    const decoded = roundTrip(value) as unknown[]
    expect(decoded[40]).toBe(decoded[39])
    expect(decoded).toStrictEqual(value)
  })
})

describe('values encoded together', () => {
  it('come back in their order, whatever they are', () => {
    const values = fc.array(fc.oneof(arbitraryTree, arbitraryGraph), { maxLength: 8 })
    fc.assert(
      fc.property(values, (each) => {
        const decoded = decodeStructuredValues(encodeStructuredValues(each), each.length)
        deepStrictEqual(
          decoded,
          each.map((value) => structuredClone(value)),
        )
      }),
    )
  })

  it('never share an object, even when the same one is sent twice', () => {
    const value = { a: [1] }
    const [first, second] = decodeStructuredValues(encodeStructuredValues([value, value]), 2)
    expect(first).toStrictEqual(second)
    expect(first).not.toBe(second)
  })

  it('need nothing from what was encoded or decoded before', () => {
    const chunks = Array.from({ length: 5 }, () => encodeStructuredValues([{ a: 1 }, { a: 2 }]))
    const other = encodeStructuredValues([{ b: 1, a: 1 }])
    for (const chunk of chunks) {
      expect(chunk).toEqual(chunks[0])
      expect(decodeStructuredValues(other, 1)).toStrictEqual([{ b: 1, a: 1 }])
      expect(decodeStructuredValues(chunk, 2)).toStrictEqual([{ a: 1 }, { a: 2 }])
    }
  })

  it('are not disturbed by a value that failed, or by a getter that encodes', () => {
    const failing = {
      a: 1,
      get b(): unknown {
        throw new Error('no')
      },
    }
    const before = encodeStructuredValues([{ a: 1, b: 2 }])
    expect(() => encodeStructuredValues([{ c: 1 }, failing])).toThrow('no')
    expect(encodeStructuredValues([{ a: 1, b: 2 }])).toEqual(before)
    const nesting = {
      get inner(): unknown {
        return encodeStructuredValues([{ x: 'y' }]).length
      },
    }
    const [first, second] = decodeStructuredValues(encodeStructuredValues([nesting, { a: 1 }]), 2)
    expect(first).toStrictEqual({ inner: encodeStructuredValues([{ x: 'y' }]).length })
    expect(second).toStrictEqual({ a: 1 })
  })

  it('are bytes that later calls leave alone', () => {
    const first = encodeStructuredValues([{ text: 'first' }])
    const copy = first.slice()
    for (let call = 0; call < 100; call++)
      encodeStructuredValues([{ text: 'x'.repeat(call * 100) }])
    expect(first).toEqual(copy)
    expect(first.buffer.byteLength).toBe(first.length)
  })
})

describe('the quick way is taken', () => {
  it('by ordinary messages', () => {
    const order = {
      id: 1,
      total: 9.5,
      tags: ['a'],
      at: new Date(),
      bytes: Uint8Array.of(1),
      n: null,
    }
    expect(isPlainTree(order)).toBe(true)
    expect(isPlainTree(new Map([['a', new Set([1n])]]))).toBe(true)
    expect(isPlainTree({ 'é€': '😀' })).toBe(true)
    expect(
      isPlainTree(
        new (class Order {
          id = 1
        })(),
      ),
    ).toBe(true)
    expect(isPlainTree(Object.assign(Object.create(null), { a: 1 }))).toBe(true)
  })

  it('by nothing that msgpackr would change', () => {
    const shared = {}
    const error = new Error('x')
    const odd = [
      -0,
      withHoles(2, [1]),
      [shared, shared],
      error,
      Object(1),
      '\uD800',
      { '\uDC00': 1 },
      Symbol.iterator,
    ]
    expect(odd.filter(isPlainTree)).toEqual([])
    const named = ['__proto__', '__keys__', 'constructor', 'hasOwnProperty'].map((name): unknown =>
      JSON.parse(`{"${name}":1}`),
    )
    expect(named.filter(isPlainTree)).toEqual([])
  })
})

describe('hostile bytes', () => {
  it('cannot change a prototype', () => {
    const value: unknown = JSON.parse(
      '{"__proto__":{"polluted":1},"a":{"__proto__":{"polluted":1}}}',
    )
    const decoded = roundTrip(value) as { a: object }
    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype)
    expect(Object.getPrototypeOf(decoded.a)).toBe(Object.prototype)
    expect(decoded).not.toHaveProperty('polluted')
    expect({}).not.toHaveProperty('polluted')
  })

  it('cannot do so through record names or the graph either', () => {
    // [null, record {__proto__: {a: 1}}] and [[0], graph of the same], by hand.
    const name = [0xa9, ...new TextEncoder().encode('__proto__')]
    const inner = [0xd4, 0x72, 0x41, 0x91, 0xa1, 0x61, 0x01]
    const record = [0x92, 0xc0, 0xd4, 0x72, 0x40, 0x91, ...name, ...inner]
    const graph = [
      0x92,
      0x91,
      0,
      0x93,
      0x92,
      0,
      0,
      0x93,
      0,
      ...name,
      0x92,
      0,
      1,
      0x93,
      0,
      0xa1,
      0x61,
      1,
    ]
    for (const bytes of [record, graph]) {
      const decoded = structuredCodec.decode(Uint8Array.from(bytes)) as object
      expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype)
      expect(Object.keys(decoded)).toHaveLength(1)
      expect('a' in decoded).toBe(false)
    }
  })

  it('never decode to anything else than a value or an error, nor take long', () => {
    const seeds = [arbitraryTree, arbitraryGraph].map((values) =>
      fc.array(values, { maxLength: 4 }),
    )
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(fc.oneof(...seeds), damage, (values, changes) => {
        const bytes = encodeStructuredValues(values)
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte
        try {
          decodeStructuredValues(bytes, values.length)
        } catch (error) {
          expect(error).toBeInstanceOf(Error)
        }
      }),
      { numRuns: 1000, plugins: [fc.interruptAfterTimeLimit(20_000, { failOnInterrupt: true })] },
    )
    expect({}).not.toHaveProperty('polluted')
  })

  it('cannot ask for more memory than they have bytes', () => {
    const lengths = [0xdd, 0xdf, 0xc6, 0xdb, 0xc9].map((type) => [type, 0xff, 0xff, 0xff, 0xf0])
    for (const claim of lengths) {
      expect(() => structuredCodec.decode(Uint8Array.from([0x92, 0xc0, ...claim]))).toThrow()
    }
  })

  it('are refused when they are not as many values as there should be', () => {
    const bytes = encodeStructuredValues([1, 2])
    expect(() => decodeStructuredValues(bytes, 1)).toThrow()
    expect(() => decodeStructuredValues(bytes, 3)).toThrow()
    expect(() => decodeStructuredValues(Uint8Array.of(1), 1)).toThrow()
    expect(() => decodeStructuredValues(new Uint8Array(0), 1)).toThrow()
  })
})
