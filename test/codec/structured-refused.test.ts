import { createContext, runInContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { structuredCodec } from '../../src/codec/structured-codec.js'
import { UnsupportedValueError } from '../../src/codec/structured-kinds.js'

class FakeElement extends EventTarget {
  readonly tagName = 'DIV'
}

class DisguisedElement extends EventTarget {
  get [Symbol.toStringTag](): string {
    return 'Object'
  }
}

function* counting(): Generator<number> {
  yield 1
}

const refused: readonly (readonly [string, () => unknown])[] = [
  ['a function', () => () => 1],
  ['a class', () => FakeElement],
  ['a symbol', () => Symbol('s')],
  ['a boxed symbol', () => Object(Symbol('s')) as unknown],
  ['a Promise', () => Promise.resolve(1)],
  ['a WeakMap', () => new WeakMap()],
  ['a WeakSet', () => new WeakSet()],
  ['a WeakRef', () => new WeakRef({})],
  ['a FinalizationRegistry', () => new FinalizationRegistry(() => undefined)],
  ['a SharedArrayBuffer', () => new SharedArrayBuffer(1)],
  ['a generator', () => counting()],
  ['an iterator', () => [1].values()],
  ['a map iterator', () => new Map().entries()],
  ['an EventTarget', () => new EventTarget()],
  ['an object that extends EventTarget, as every DOM node does', () => new FakeElement()],
  ['such an object in disguise', () => new DisguisedElement()],
  ['an Event', () => new Event('click')],
  ['an AbortController', () => new AbortController()],
  ['an AbortSignal', () => new AbortController().signal],
  [
    'a MessagePort',
    () => {
      const { port1, port2 } = new MessageChannel()
      port1.close()
      port2.close()
      return port1
    },
  ],
  ['a MessageChannel', () => new MessageChannel()],
  ['a ReadableStream', () => new ReadableStream()],
  ['a WritableStream', () => new WritableStream()],
  ['a TransformStream', () => new TransformStream()],
  ['a Blob', () => new Blob(['a'])],
  ['Headers', () => new Headers()],
  ['a Request', () => new Request('https://example.org')],
  ['a Response', () => new Response('a')],
  ['FormData', () => new FormData()],
  ['a URL', () => new URL('https://example.org')],
  ['URLSearchParams', () => new URLSearchParams('a=1')],
  ['a TextEncoder', () => new TextEncoder()],
  ['a number format', () => new Intl.NumberFormat('en')],
  ['WebAssembly memory', () => new WebAssembly.Memory({ initial: 1 })],
  [
    'a Promise of another realm',
    () => runInContext('Promise.resolve(1)', createContext()) as unknown,
  ],
  ['a WeakMap of another realm', () => runInContext('new WeakMap()', createContext()) as unknown],
  ['a Map without its data', () => Object.create(Map.prototype) as unknown],
  ['a Date without its data', () => Object.create(Date.prototype) as unknown],
  [
    'a detached buffer',
    () => {
      const buffer = new ArrayBuffer(8)
      structuredClone(buffer, { transfer: [buffer] })
      return buffer
    },
  ],
]

const places: readonly (readonly [string, (part: unknown) => unknown])[] = [
  ['by itself', (part) => part],
  ['in an object', (part) => ({ a: 1, part })],
  ['in an array', (part) => [1, part]],
  ['as a value of a Map', (part) => new Map([['a', part]])],
  ['as a key of a Map', (part) => new Map([[part, 1]])],
  ['in a Set', (part) => new Set([part])],
  [
    'in an instance',
    (part) =>
      new (class Order {
        part = part
      })(),
  ],
  ['as the cause of an error', (part) => new Error('x', { cause: part })],
  [
    'beside a cycle',
    (part) => {
      const object: Record<string, unknown> = { part }
      object['self'] = object
      return object
    },
  ],
  ['far down', (part) => ({ a: [{ b: new Map([[1, { c: [part] }]]) }] })],
]

describe.each(refused)('the structured codec refuses %s', (_what, make) => {
  it.each(places)('%s', (_where, put) => {
    expect(() => structuredCodec.encode(put(make()))).toThrow()
  })
})

describe('a refusal', () => {
  it('says what is refused and where', () => {
    const value = { orders: [{ id: 1 }, { id: 2, 'on paid': new Map([['a', () => 1]]) }] }
    expect(() => structuredCodec.encode(value)).toThrow(
      new UnsupportedValueError('a function at value.orders[1]["on paid"].a cannot be encoded'),
    )
    expect(() => structuredCodec.encode(Symbol('x'))).toThrow(
      new UnsupportedValueError('Symbol(x) at value cannot be encoded'),
    )
    expect(() => structuredCodec.encode({ signal: AbortSignal.abort() })).toThrow(
      new UnsupportedValueError('an object of AbortSignal at value.signal cannot be encoded'),
    )
    expect(() => structuredCodec.encode([new DisguisedElement()])).toThrow(
      new UnsupportedValueError('an object of EventTarget at value[0] cannot be encoded'),
    )
  })

  it('is short even when the value is deep', () => {
    let value: unknown = () => 1
    for (let depth = 0; depth < 10_000; depth++) value = { next: value }
    expect(() => structuredCodec.encode(value)).toThrow(
      /^a function at value…(\.next){8} cannot be encoded$/,
    )
  })

  it('is what a getter throws, when it throws', () => {
    const error = new RangeError('from the getter')
    const value = {
      get a(): unknown {
        throw error
      },
    }
    expect(() => structuredCodec.encode(value)).toThrow(error)
  })

  it('does not concern the app’s own classes, global ones and old ones included', () => {
    function Legacy(this: { id: number }): void {
      this.id = 1
    }
    const globals = globalThis as Record<string, unknown>
    globals['Legacy'] = Legacy
    try {
      const legacy: unknown = Reflect.construct(Legacy, [])
      expect(structuredCodec.decode(structuredCodec.encode(legacy))).toStrictEqual({ id: 1 })
      expect(structuredCodec.decode(structuredCodec.encode([legacy, -0]))).toStrictEqual([
        { id: 1 },
        -0,
      ])
    } finally {
      Reflect.deleteProperty(globals, 'Legacy')
    }
    class Event {
      readonly type = 'my own'
      get [Symbol.toStringTag](): string {
        return 'Event'
      }
    }
    const own = structuredCodec.decode(structuredCodec.encode({ event: new Event() }))
    expect(own).toStrictEqual({ event: { type: 'my own' } })
  })
})
