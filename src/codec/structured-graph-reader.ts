/**
 * The way back from a graph (structured-graph.ts). The bytes may be anybody's: nothing in them is
 * believed, no property is set through a setter, and nothing is made that is larger than they are.
 */
import {
  NODE_ARRAY,
  NODE_BOXED,
  NODE_ERROR,
  NODE_LEAF,
  NODE_MAP,
  NODE_OBJECT,
  NODE_SET,
  NODE_SPARSE_ARRAY,
  NODE_VIEW,
  SLOT_CODE_UNITS,
  SLOT_MINUS_ZERO,
  SLOT_NODE,
} from './structured-graph.js'

const ARRAY_LENGTH_MAX = 2 ** 32 - 1
/** A longer array with holes is made so that engines keep it sparse, whatever its length says. */
const DENSE_LENGTH_MAX = 1024

const ERROR_TYPES = new Map(
  [EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((type) => [
    type.name,
    type,
  ]),
)

const VIEW_NAMES = new Set([
  'BigInt64Array',
  'BigUint64Array',
  'DataView',
  'Float16Array',
  'Float32Array',
  'Float64Array',
  'Int16Array',
  'Int32Array',
  'Int8Array',
  'Uint16Array',
  'Uint32Array',
  'Uint8Array',
  'Uint8ClampedArray',
])

/** @throws some error when `graph` is not what `toGraph` returns */
export function fromGraph(graph: unknown): unknown {
  return new GraphReader(arrayOrThrow(graph)).read()
}

/** Makes an empty object for every node first and fills them then: references go both ways. */
class GraphReader {
  readonly #graph: readonly unknown[]
  readonly #objects: object[] = []

  constructor(graph: readonly unknown[]) {
    this.#graph = graph
  }

  read(): unknown {
    const nodes = this.#graph.slice(1).map(arrayOrThrow)
    for (const node of nodes) this.#objects.push(emptyObject(node))
    for (const [id, node] of nodes.entries()) this.#fill(this.#objects[id] as object, node)
    return this.#value(this.#graph[0])
  }

  #value(slot: unknown): unknown {
    if (!Array.isArray(slot) || slot[0] !== SLOT_NODE) return primitiveOf(slot)
    const object = this.#objects[slot[1] as number]
    if (object === undefined) throw new RangeError('a reference to no node')
    return object
  }

  #fill(object: object, node: readonly unknown[]): void {
    if (node[0] === NODE_SPARSE_ARRAY) this.#fillSparse(object as unknown[], node)
    else if (node[0] === NODE_ERROR) this.#fillError(object, node)
    else if (object instanceof Map) this.#eachPair(node, (key, value) => object.set(key, value))
    else if (node[0] === NODE_OBJECT)
      this.#eachPair(node, (key, value) => setOwn(object, key, value))
    else if (node[0] === NODE_ARRAY)
      this.#eachSlot(node, (value) => (object as unknown[]).push(value))
    else if (node[0] === NODE_SET)
      this.#eachSlot(node, (value) => (object as Set<unknown>).add(value))
  }

  #eachSlot(node: readonly unknown[], use: (value: unknown) => void): void {
    for (let at = 1; at < node.length; at++) use(this.#value(node[at]))
  }

  #eachPair(node: readonly unknown[], use: (key: unknown, value: unknown) => void): void {
    for (let at = 1; at < node.length; at += 2) {
      use(this.#value(node[at]), this.#value(node[at + 1]))
    }
  }

  #fillSparse(array: unknown[], node: readonly unknown[]): void {
    const length = countOrThrow(node[1], ARRAY_LENGTH_MAX)
    if (length > DENSE_LENGTH_MAX) {
      array[length - 1] = undefined
      Reflect.deleteProperty(array, length - 1)
    } else {
      array.length = length
    }
    for (let at = 2; at < node.length; at += 2) {
      array[countOrThrow(node[at], length - 1)] = this.#value(node[at + 1])
    }
  }

  #fillError(error: object, node: readonly unknown[]): void {
    const [name, message, stack] = node.slice(1, 4).map((slot) => this.#value(slot))
    if (name !== (error as Error).name) setHidden(error, 'name', name)
    setHidden(error, 'message', message)
    setHidden(error, 'stack', stack)
    if (node.length > 4) setHidden(error, 'cause', this.#value(node[4]))
  }
}

function emptyObject(node: readonly unknown[]): object {
  switch (node[0]) {
    case NODE_OBJECT:
      return {}
    case NODE_ARRAY:
    case NODE_SPARSE_ARRAY:
      return []
    case NODE_MAP:
      return new Map()
    case NODE_SET:
      return new Set()
    case NODE_LEAF:
      if (typeof node[1] === 'object' && node[1] !== null) return node[1]
      throw new TypeError('a leaf that is no object')
    case NODE_ERROR:
      return new (ERROR_TYPES.get(node[1] as string) ?? Error)()
    case NODE_BOXED:
      return Object(primitiveOf(node[1])) as object
    case NODE_VIEW:
      return viewOf(node[1], node[2])
    default:
      throw new RangeError('a node of unknown kind')
  }
}

function primitiveOf(slot: unknown): unknown {
  if (typeof slot !== 'object' || slot === null) return slot
  const [kind, units] = arrayOrThrow(slot)
  if (kind === SLOT_MINUS_ZERO) return -0
  if (kind === SLOT_CODE_UNITS && units instanceof Uint16Array) {
    return units.reduce((text, unit) => text + String.fromCharCode(unit), '')
  }
  throw new TypeError('a slot of unknown kind')
}

function viewOf(name: unknown, bytes: unknown): ArrayBufferView {
  if (!(bytes instanceof Uint8Array)) throw new TypeError('a view without bytes')
  const types = globalThis as unknown as Record<string, ViewConstructor | undefined>
  const type = VIEW_NAMES.has(name as string) ? types[name as string] : undefined
  if (type === undefined) throw new TypeError('a view of a type that is not known here')
  return new type(bytes.slice().buffer)
}

type ViewConstructor = new (buffer: ArrayBuffer) => ArrayBufferView

function arrayOrThrow(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw new TypeError('something else where an array should be')
}

function countOrThrow(value: unknown, max: number): number {
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= max) {
    return value as number
  }
  throw new RangeError('a length or an index that no array has')
}

/** Defines instead of assigning: assigning to `__proto__` would change what the object inherits. */
function setOwn(object: object, key: unknown, value: unknown): void {
  if (typeof key !== 'string') throw new TypeError('a key that is no string')
  Object.defineProperty(object, key, {
    value,
    configurable: true,
    enumerable: true,
    writable: true,
  })
}

/** What belongs to an error is there without showing up when its properties are listed. */
function setHidden(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, configurable: true, writable: true })
}
