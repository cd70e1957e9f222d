/**
 * What a broken or hostile tab can post: every kind of value that crosses a port, among them those
 * that are known to break parsers. Used in Node and in the page of the browser test.
 */
import fc from 'fast-check'

/** One of each kind that is known to break something. Made anew each time they are used. */
export const NASTY: readonly (() => unknown)[] = [
  () => undefined,
  () => null,
  () => Number.NaN,
  () => -0,
  () => -1,
  () => 0.5,
  () => Infinity,
  () => 2 ** 31,
  () => 2 ** 53,
  () => Number.MAX_SAFE_INTEGER,
  () => Number.MIN_SAFE_INTEGER,
  () => Number.MAX_VALUE,
  () => 0n,
  () => 2n ** 70n,
  () => 1n << 1_000_000n,
  () => true,
  () => '',
  () => '0',
  () => 'all',
  () => '__proto__',
  () => 'constructor',
  () => 'hasOwnProperty',
  () => '\u0000',
  () => '\ud800',
  () => 'x'.repeat(300),
  () => 'x'.repeat(100_000),
  () => [],
  () => {
    const sparse: unknown[] = []
    sparse[1_000_000] = 1
    return sparse
  },
  () => Object.assign([1], { partitionId: 1 }),
  () => Array.from({ length: 20_000 }, () => 1),
  () => new Date(0),
  () => new Date(Number.NaN),
  () => /^(a+)+$/,
  () => new Map<unknown, unknown>([['api', 'produce']]),
  () => new Set([1]),
  () => new RangeError('an error'),
  () => new Uint8Array(200),
  () => new Float64Array(8),
  () => new DataView(new ArrayBuffer(8)),
  () => new ArrayBuffer(0),
  () => new ArrayBuffer(80),
  () => resizable(80),
  () => Object(1n) as unknown,
  () => Object('orders') as unknown,
  () =>
    JSON.parse('{"__proto__": {"api": "produce"}, "constructor": {"prototype": {}}}') as unknown,
  () => JSON.parse('{"toString": 1, "valueOf": 1, "toJSON": 1, "then": 1}') as unknown,
  () => {
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    cycle['partitions'] = [cycle]
    return cycle
  },
  () => {
    let deep: unknown = 0
    for (let depth = 0; depth < 500; depth++) deep = depth % 2 === 0 ? [deep] : { deep }
    return deep
  },
]

/** Any value that structured cloning takes. */
export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...NASTY).map((make) => make()) },
  {
    weight: 1,
    arbitrary: fc.anything({
      maxDepth: 3,
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true,
    }),
  },
)

export type Path = readonly (string | number)[]

/** Every place in a value where something could stand instead, the value itself included. */
export function pathsIn(value: unknown): Path[] {
  if (typeof value !== 'object' || value === null || value instanceof ArrayBuffer) return [[]]
  const inside = Object.entries(value).flatMap(([key, item]) =>
    pathsIn(item).map((path) => [Array.isArray(value) ? Number(key) : key, ...path]),
  )
  return [[], ...inside]
}

/** A copy with another value at the path. */
export function replaced(value: unknown, [key, ...rest]: Path, by: unknown): unknown {
  if (key === undefined) return by
  const copy: Record<string | number, unknown> = Object.assign(
    Array.isArray(value) ? [] : {},
    value,
  )
  copy[key] = replaced(copy[key], rest, by)
  return copy
}

/** A copy of a request with something hostile in one place, or a field that nobody asked for. */
export function brokenInOnePlace(request: unknown): fc.Arbitrary<unknown> {
  const inPlace = fc
    .tuple(fc.constantFrom(...pathsIn(request)), hostileValue)
    .map(([path, value]) => replaced(request, path, value))
  const besides = fc
    .tuple(fc.constantFrom('__proto__', 'constructor', 'then', 'extra', '0'), hostileValue)
    .map(([key, value]) =>
      Object.defineProperty(Object.assign({}, request), key, { value, enumerable: true }),
    )
  return fc.oneof({ weight: 6, arbitrary: inPlace }, { weight: 1, arbitrary: besides })
}

/** Bytes with some of them changed, or cut off, or with more at the end. */
export function brokenBytes(bytes: ArrayBuffer): fc.Arbitrary<ArrayBuffer> {
  const flip = fc.tuple(fc.nat(bytes.byteLength - 1), fc.integer({ min: 1, max: 255 }))
  const flipped = fc.array(flip, { minLength: 1, maxLength: 4 }).map((flips) => {
    const broken = new Uint8Array(bytes.slice(0))
    for (const [at, by] of flips) broken[at] = (broken[at] ?? 0) ^ by
    return broken.buffer
  })
  const resized = fc.integer({ min: 0, max: bytes.byteLength + 64 }).map((byteLength) => {
    const broken = new Uint8Array(byteLength)
    broken.set(new Uint8Array(bytes).subarray(0, byteLength))
    return broken.buffer
  })
  return fc.oneof({ weight: 3, arbitrary: flipped }, { weight: 1, arbitrary: resized })
}

/** Every field of a header of a batch set to what it must not be, or hardly ever is. */
export function brokenHeaders(bytes: ArrayBuffer): ArrayBuffer[] {
  const broken: ArrayBuffer[] = []
  const change = (write: (view: DataView) => void) => {
    const copy = bytes.slice(0)
    write(new DataView(copy))
    broken.push(copy)
  }
  for (const at of [0, 1, 2, 3])
    for (const by of [0, 2, 255]) change((view) => view.setUint8(at, by))
  for (const at of [4, 56, 60, 64, 68, 72, 76]) {
    for (const by of [0, 1, 2 ** 31, 2 ** 32 - 1]) change((view) => view.setUint32(at, by, true))
  }
  for (const at of [8, 16, 24, 32, 40, 48]) {
    for (const by of [Number.NaN, -0, -1, 0.5, Infinity, 2 ** 53, Number.MAX_SAFE_INTEGER]) {
      change((view) => view.setFloat64(at, by, true))
    }
  }
  return broken
}

function resizable(byteLength: number): ArrayBuffer {
  const Resizable = ArrayBuffer as new (length: number, options: object) => ArrayBuffer
  return new Resizable(byteLength, { maxByteLength: 2 * byteLength })
}
