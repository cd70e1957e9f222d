/**
 * Any structured-clonable value as a flat list that msgpackr keeps exactly. Slower than msgpackr's
 * own forms and larger, so only values that those would change come here (structured-tree.ts). Works
 * through a list instead of recursing: depth does not matter. structured-graph-reader.ts is the way
 * back.
 *
 * The list begins with the root's slot; then one node per object, in the order they were found. A
 * slot is a primitive as it is, or an array: [0, n] node n, [1] minus zero, [2, code units] a string
 * with lone surrogates. A node is an array too; its first element says what the others are:
 *
 * | kind | what follows |
 * |-----:|--------------|
 * | 0 object | key slot, value slot, … |
 * | 1 array | a slot per element |
 * | 2 array with holes | its length; index, slot, … |
 * | 3 Map | key slot, value slot, … |
 * | 4 Set | a slot per member |
 * | 5 leaf | a Date, RegExp or ArrayBuffer, which msgpackr keeps |
 * | 6 error | slots of name, message, stack and, when it has one, cause |
 * | 7 boxed primitive | its slot |
 * | 8 view | its type's name, its bytes |
 *
 * As with structured clone, prototypes, getters, symbol keys and properties that do not enumerate
 * are lost; an error keeps name, message, stack and cause. Unlike it, views never share a buffer,
 * and named properties of arrays are lost.
 */
import { describe } from '../protocol/names.js'
import { structuredKindOf, unboxed, UnsupportedValueError, viewNameOf } from './structured-kinds.js'
import { isWellFormed } from './utf8.js'

export const SLOT_NODE = 0
export const SLOT_MINUS_ZERO = 1
export const SLOT_CODE_UNITS = 2

export const NODE_OBJECT = 0
export const NODE_ARRAY = 1
export const NODE_SPARSE_ARRAY = 2
export const NODE_MAP = 3
export const NODE_SET = 4
export const NODE_LEAF = 5
export const NODE_ERROR = 6
export const NODE_BOXED = 7
export const NODE_VIEW = 8

/** @throws UnsupportedValueError for what cannot be bytes, saying where in the value it is */
export function toGraph(value: unknown): unknown[] {
  return new GraphWriter().write(value)
}

interface Part {
  readonly value: object
  readonly parent: Part | undefined
  readonly key: unknown
}

class GraphWriter {
  readonly #ids = new Map<object, number>()
  readonly #parts: Part[] = []

  write(root: unknown): unknown[] {
    const graph = [this.#slot(root, undefined, undefined)]
    // #parts grows while nodes are written.
    for (const part of this.#parts) graph.push(this.#node(part))
    return graph
  }

  #slot(value: unknown, parent: Part | undefined, key: unknown): unknown {
    switch (typeof value) {
      case 'string':
        return isWellFormed(value) ? value : [SLOT_CODE_UNITS, codeUnitsOf(value)]
      case 'number':
        return Object.is(value, -0) ? [SLOT_MINUS_ZERO] : value
      case 'object':
        return value === null ? null : [SLOT_NODE, this.#idOf(value, parent, key)]
      case 'function':
      case 'symbol':
        throw new UnsupportedValueError(unsupported(describe(value), parent, key))
      case 'bigint':
      case 'boolean':
      case 'undefined':
        return value
    }
  }

  #idOf(value: object, parent: Part | undefined, key: unknown): number {
    const known = this.#ids.get(value)
    if (known !== undefined) return known
    const id = this.#parts.push({ value, parent, key }) - 1
    this.#ids.set(value, id)
    return id
  }

  #node(part: Part): unknown[] {
    const { value } = part
    switch (kindOrThrow(part)) {
      case 'array':
        return this.#arrayNode(part, value as readonly unknown[])
      case 'boxed':
        return [NODE_BOXED, this.#slot(unboxed(value), part, 'valueOf()')]
      case 'buffer':
        // Not its own slice: that would make a buffer of its own realm.
        return [NODE_LEAF, new Uint8Array(value as ArrayBuffer).slice().buffer]
      case 'date':
        return [NODE_LEAF, new Date(Date.prototype.getTime.call(value as Date))]
      case 'error':
        return this.#errorNode(part, value as Error)
      case 'map':
        return this.#mapNode(part, value as ReadonlyMap<unknown, unknown>)
      case 'object':
        return this.#objectNode(part, value as Record<string, unknown>)
      case 'regexp':
        return [NODE_LEAF, new RegExp(value as RegExp)]
      case 'set':
        return this.#setNode(part, value as ReadonlySet<unknown>)
      case 'view':
        return viewNode(value as ArrayBufferView)
    }
  }

  #arrayNode(part: Part, array: readonly unknown[]): unknown[] {
    const node: unknown[] = [NODE_ARRAY]
    for (let at = 0; at < array.length; at++) {
      if (!(at in array)) return this.#sparseArrayNode(part, array)
      node.push(this.#slot(array[at], part, at))
    }
    return node
  }

  #sparseArrayNode(part: Part, array: readonly unknown[]): unknown[] {
    const node: unknown[] = [NODE_SPARSE_ARRAY, array.length]
    for (const key of Object.keys(array)) {
      const at = Number(key)
      if (String(at) !== key || at >= array.length) break
      node.push(at, this.#slot(array[at], part, at))
    }
    return node
  }

  #objectNode(part: Part, object: Record<string, unknown>): unknown[] {
    const node: unknown[] = [NODE_OBJECT]
    for (const key of Object.keys(object)) {
      node.push(this.#slot(key, part, key), this.#slot(object[key], part, key))
    }
    return node
  }

  #mapNode(part: Part, map: ReadonlyMap<unknown, unknown>): unknown[] {
    const node: unknown[] = [NODE_MAP]
    Map.prototype.forEach.call(map, (value, key) => {
      node.push(this.#slot(key, part, 'keys()'), this.#slot(value, part, key))
    })
    return node
  }

  #setNode(part: Part, set: ReadonlySet<unknown>): unknown[] {
    const node: unknown[] = [NODE_SET]
    Set.prototype.forEach.call(set, (value) => {
      node.push(this.#slot(value, part, 'values()'))
    })
    return node
  }

  #errorNode(part: Part, error: Error): unknown[] {
    const { name, message, stack }: { name: unknown; message: unknown; stack?: unknown } = error
    const node = [
      NODE_ERROR,
      this.#slot(String(name), part, 'name'),
      this.#slot(String(message), part, 'message'),
      this.#slot(typeof stack === 'string' ? stack : undefined, part, 'stack'),
    ]
    if (Object.hasOwn(error, 'cause')) node.push(this.#slot(error.cause, part, 'cause'))
    return node
  }
}

function kindOrThrow(part: Part): ReturnType<typeof structuredKindOf> {
  try {
    return structuredKindOf(part.value)
  } catch (error) {
    if (!(error instanceof UnsupportedValueError)) throw error
    throw new UnsupportedValueError(unsupported(error.message, part.parent, part.key))
  }
}

function viewNode(view: ArrayBufferView): unknown[] {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice()
  return [NODE_VIEW, viewNameOf(view), bytes]
}

function unsupported(what: string, parent: Part | undefined, key: unknown): string {
  const steps: string[] = []
  let parentOfStep = parent
  for (let step = key; parentOfStep !== undefined; parentOfStep = parentOfStep.parent) {
    steps.unshift(stepTo(step))
    step = parentOfStep.key
  }
  const path = steps.length > 8 ? ['…', ...steps.slice(-8)] : steps
  return `${what} at value${path.join('')} cannot be encoded`
}

function stepTo(key: unknown): string {
  return typeof key === 'string' && /^[a-z_$][\w$]{0,40}(\(\))?$/i.test(key)
    ? `.${key}`
    : `[${describe(key)}]`
}

function codeUnitsOf(text: string): Uint16Array {
  const units = new Uint16Array(text.length)
  for (let at = 0; at < text.length; at++) units[at] = text.charCodeAt(at)
  return units
}
