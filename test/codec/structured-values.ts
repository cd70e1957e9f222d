/** Values for the tests of the default codec. */
import fc from 'fast-check'

/** Anything that is a tree, with what fast-check knows of: holes, boxed values, maps, typed arrays. */
export const arbitraryTree: fc.Arbitrary<unknown> = fc.anything({
  maxDepth: 4,
  key: fc.oneof(
    fc.string({ unit: 'binary', maxLength: 8 }),
    fc.constantFrom('__proto__', '__keys__', 'constructor', 'hasOwnProperty', 'toString', '', '0'),
  ),
  values: [
    fc.string({ unit: 'binary' }),
    fc.string(),
    fc.string({ minLength: 30, maxLength: 300 }),
    fc.double(),
    fc.integer(),
    fc.constantFrom(-0, Number.NaN, Number.POSITIVE_INFINITY, undefined, null, true, false),
    fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }),
    fc.constantFrom(2n ** 63n, -(2n ** 63n), -(2n ** 63n) - 1n, 2n ** 64n - 1n, 2n ** 64n, 0n),
    // Invalid ones have a test of their own: Node 20 thinks that no two are equal.
    fc.date({ noInvalidDate: true }),
  ],
  withBoxedValues: true,
  withMap: true,
  withNullPrototype: true,
  withSet: true,
  withSparseArray: true,
  withTypedArray: true,
})

/** Containers that refer to each other, themselves and the same thing several times. */
export const arbitraryGraph: fc.Arbitrary<unknown> = fc
  .record({
    kinds: fc.array(fc.constantFrom('object', 'array', 'map', 'set', 'date'), {
      minLength: 1,
      maxLength: 8,
    }),
    edges: fc.array(fc.tuple(fc.nat(7), fc.nat(7), fc.nat(3)), { maxLength: 16 }),
  })
  .map(({ kinds, edges }) => {
    const nodes = kinds.map(newContainer)
    for (const [from, to, name] of edges) {
      const target = nodes[to % nodes.length]
      connect(nodes[from % nodes.length] as object, target, name)
    }
    return nodes[0]
  })

function newContainer(kind: string): object {
  if (kind === 'array') return []
  if (kind === 'map') return new Map()
  if (kind === 'set') return new Set()
  return kind === 'date' ? new Date(1e12) : {}
}

function connect(from: object, to: unknown, name: number): void {
  if (Array.isArray(from)) from.push(to)
  else if (from instanceof Map) from.set(name % 2 === 0 ? name : to, to)
  else if (from instanceof Set) from.add(to)
  else if (!(from instanceof Date)) Object.assign(from, { [`name${name}`]: to })
}

/** Which object is where, with each object's number in the order it is met: identity as text. */
export function shapeOf(value: unknown): string {
  const ids = new Map<object, number>()
  const lines: string[] = []
  const nameOf = (part: unknown): string => {
    if (typeof part !== 'object' || part === null) return `${typeof part} ${String(part)}`
    const known = ids.get(part)
    if (known !== undefined) return `#${known}`
    ids.set(part, ids.size)
    return `#${ids.size - 1}`
  }
  nameOf(value)
  for (const [part, id] of ids) {
    const parts =
      part instanceof Map || part instanceof Set ? [...part].flat(1) : Object.entries(part).flat(1)
    lines.push(`#${id} ${part.constructor.name}: ${parts.map(nameOf).join(', ')}`)
  }
  return lines.join('\n')
}
