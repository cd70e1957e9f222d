/**
 * Tells the values that msgpackr keeps exactly from those that it changes. Nearly all messages are of
 * the first sort, and this check is on their way, so it is made to be quick: it looks at each part
 * once and allocates nothing. The rest takes the way of structured-graph.ts, which also knows what to
 * refuse; here anything unusual is just "no".
 *
 * What msgpackr 2.1.3 would change or break on, read in its source and tried: -0 (becomes 0), holes
 * in arrays, lone surrogates, an object that is there twice (becomes two, or with its
 * `structuredClone` option one even across messages), cycles, `__proto__` as a key (renamed),
 * `__keys__` as a key (breaks its table of record shapes), objects whose own `constructor`,
 * `hasOwnProperty` or `toJSON` mislead it, boxed primitives, errors (an own `cause`, lost names),
 * objects of another realm.
 */
import { isWellFormed } from './utf8.js'
import { structuredKindOf } from './structured-kinds.js'

/** Deeper values are not walked recursively, here or when they are decoded. */
const DEPTH_MAX = 64
/** Up to so many parts a look at each costs less than a Set. */
const LINEAR_PARTS_MAX = 12

const objectPrototype: object = Object.prototype
const arrayPrototype: object = Array.prototype
const objectHasOwnProperty: unknown = Reflect.get(Object.prototype, 'hasOwnProperty')

interface BuiltIn {
  readonly shape: 'leaf' | 'map' | 'set'
  readonly constructor: unknown
}

const BUILT_INS: ReadonlyMap<object, BuiltIn> = new Map<object, BuiltIn>(
  [
    { shape: 'map' as const, types: [Map] },
    { shape: 'set' as const, types: [Set] },
    {
      shape: 'leaf' as const,
      types: [
        ArrayBuffer,
        BigInt64Array,
        BigUint64Array,
        DataView,
        Date,
        Float32Array,
        Float64Array,
        Int16Array,
        Int32Array,
        Int8Array,
        RegExp,
        Uint16Array,
        Uint32Array,
        Uint8Array,
        Uint8ClampedArray,
      ],
    },
  ].flatMap(({ shape, types }) =>
    types.map((type): [object, BuiltIn] => [
      type.prototype as object,
      { shape, constructor: type },
    ]),
  ),
)

/** Names of properties that were found to be ordinary: a lookup here is quicker than finding out. */
const plainNames = new Set<string>()
const PLAIN_NAMES_MAX = 4096

/** Prototypes of classes of the app whose objects are nothing but their properties, or not. */
const plainPrototypes = new WeakMap<object, boolean>()

/** One per chunk: it keeps references to the parts of the value it last saw. */
export class TreeCheck {
  readonly #parts: object[] = []
  readonly #partSet = new Set<object>()
  #partCount = 0

  /** Whether msgpackr would give back this very value: a tree of ordinary parts. */
  isPlainTree(value: unknown): boolean {
    this.#partCount = 0
    if (this.#partSet.size > 0) this.#partSet.clear()
    return this.#isPlain(value, 0)
  }

  #isPlain(value: unknown, depth: number): boolean {
    switch (typeof value) {
      case 'string':
        return isWellFormed(value)
      case 'number':
        return value !== 0 || 1 / value > 0
      case 'object':
        return value === null || this.#isPlainObject(value, depth)
      case 'function':
      case 'symbol':
        return false
      case 'bigint':
      case 'boolean':
      case 'undefined':
        return true
    }
  }

  #isPlainObject(value: object, depth: number): boolean {
    if (depth > DEPTH_MAX || !this.#isNew(value)) return false
    const prototype = Object.getPrototypeOf(value) as object | null
    if (prototype === objectPrototype) {
      if (value.constructor !== Object) return false
      return this.#hasPlainProperties(value, objectHasOwnProperty, depth)
    }
    if (Array.isArray(value)) {
      if (prototype !== arrayPrototype || value.constructor !== Array) return false
      return this.#isPlainArray(value, depth)
    }
    if (prototype === null) return this.#hasPlainProperties(value, undefined, depth)
    const builtIn = BUILT_INS.get(prototype)
    if (builtIn === undefined) {
      if (!isPlainClass(value, prototype)) return false
      return this.#hasPlainProperties(value, objectHasOwnProperty, depth)
    }
    if (value.constructor !== builtIn.constructor) return false
    if (builtIn.shape === 'map') return this.#hasPlainEntries(value as Map<unknown, unknown>, depth)
    return builtIn.shape === 'leaf' || this.#hasPlainMembers(value as Set<unknown>, depth)
  }

  #hasPlainProperties(value: object, hasOwnProperty: unknown, depth: number): boolean {
    const object = value as Record<string, unknown>
    if (object['hasOwnProperty'] !== hasOwnProperty) return false
    for (const key in object) {
      if (!plainNames.has(key) && !isPlainName(key)) return false
      if (!this.#isPlain(object[key], depth + 1)) return false
    }
    return true
  }

  #isPlainArray(value: readonly unknown[], depth: number): boolean {
    for (let at = 0; at < value.length; at++) {
      const element = value[at]
      if (element === undefined && !(at in value)) return false
      if (!this.#isPlain(element, depth + 1)) return false
    }
    return true
  }

  #hasPlainEntries(value: ReadonlyMap<unknown, unknown>, depth: number): boolean {
    for (const [key, element] of value) {
      if (!this.#isPlain(key, depth + 1) || !this.#isPlain(element, depth + 1)) return false
    }
    return true
  }

  #hasPlainMembers(value: ReadonlySet<unknown>, depth: number): boolean {
    for (const element of value) {
      if (!this.#isPlain(element, depth + 1)) return false
    }
    return true
  }

  /** Notes a part; false when it is already part of this value. */
  #isNew(part: object): boolean {
    const parts = this.#parts
    const count = this.#partCount++
    if (count < LINEAR_PARTS_MAX) {
      for (let at = 0; at < count; at++) if (parts[at] === part) return false
      parts[count] = part
      return true
    }
    if (count === LINEAR_PARTS_MAX) for (const earlier of parts) this.#partSet.add(earlier)
    const size = this.#partSet.size
    return this.#partSet.add(part).size > size
  }
}

function isPlainName(name: string): boolean {
  if (name === '__proto__' || name === '__keys__' || name === 'constructor') return false
  if (!isWellFormed(name)) return false
  if (plainNames.size === PLAIN_NAMES_MAX) plainNames.clear()
  plainNames.add(name)
  return true
}

/**
 * Objects of an app's class go the quick way unless the class is, or extends, something of the host.
 * Asked once per prototype.
 */
function isPlainClass(value: object, prototype: object): boolean {
  const known = plainPrototypes.get(prototype)
  if (known !== undefined) return known
  const isMistaken = value.constructor === Array || value.constructor === Map
  const isPlain = !isMistaken && isObjectKind(value)
  plainPrototypes.set(prototype, isPlain)
  return isPlain
}

function isObjectKind(value: object): boolean {
  try {
    return structuredKindOf(value) === 'object'
  } catch {
    return false
  }
}
