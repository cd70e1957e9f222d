/**
 * What an object is, told by its internal data and not by its class name, so that objects of another
 * realm (an iframe) and subclasses are seen for what they are: as the structured clone algorithm
 * sees them (https://html.spec.whatwg.org/multipage/structured-data.html#structuredserializeinternal).
 * What cannot become bytes is refused: promises, weak collections, DOM nodes, events, streams and
 * whatever else the host made that is more than its properties.
 */

export type StructuredKind =
  | 'array'
  | 'boxed'
  | 'buffer'
  | 'date'
  | 'error'
  | 'map'
  | 'object'
  | 'regexp'
  | 'set'
  | 'view'

/** A value, or a part of one, that bytes cannot hold. */
export class UnsupportedValueError extends TypeError {
  override readonly name = 'UnsupportedValueError'
}

/**
 * Classes by name that are refused with their subclasses; looked up when they are needed, since not
 * every host has each.
 */
const REFUSED_CLASSES = [
  'AbortController',
  'Blob',
  'Event',
  'EventTarget',
  'FinalizationRegistry',
  'Promise',
  'ReadableStream',
  'SharedArrayBuffer',
  'TransformStream',
  'WeakMap',
  'WeakRef',
  'WeakSet',
  'WritableStream',
]

const mapSize = getterOf(Map.prototype, 'size')
const setSize = getterOf(Set.prototype, 'size')
const bufferLength = getterOf(ArrayBuffer.prototype, 'byteLength')
const regExpSource = getterOf(RegExp.prototype, 'source')
const viewName = getterOf(Object.getPrototypeOf(Uint8Array.prototype) as object, Symbol.toStringTag)
const dateTime = methodOf(Date.prototype, 'getTime')
const boxes = new Map([
  ['BigInt', methodOf(BigInt.prototype, 'valueOf')],
  ['Boolean', methodOf(Boolean.prototype, 'valueOf')],
  ['Number', methodOf(Number.prototype, 'valueOf')],
  ['String', methodOf(String.prototype, 'valueOf')],
])

/** @throws UnsupportedValueError for an object that is none of the kinds */
export function structuredKindOf(value: object): StructuredKind {
  if (Array.isArray(value)) return 'array'
  if (ArrayBuffer.isView(value)) return 'view'
  const tag = tagOf(value)
  if (claims(value, tag, Map) && accepts(mapSize, value)) return 'map'
  if (claims(value, tag, Set) && accepts(setSize, value)) return 'set'
  if (claims(value, tag, Date) && accepts(dateTime, value)) return 'date'
  if (claims(value, tag, RegExp) && accepts(regExpSource, value)) return 'regexp'
  if (claims(value, tag, ArrayBuffer) && accepts(bufferLength, value)) return 'buffer'
  if (claims(value, tag, Error)) return 'error'
  const box = boxes.get(tag)
  if (box !== undefined && accepts(box, value)) return 'boxed'
  refuseHostObject(value, tag)
  return 'object'
}

/** `Uint8Array` and the like, or `DataView`, whatever class the view was made by. */
export function viewNameOf(view: ArrayBufferView): string {
  const name: unknown = Reflect.apply(viewName, view, [])
  return typeof name === 'string' ? name : 'DataView'
}

/** The primitive inside an object such as `new Number(1)`. */
export function unboxed(value: object): unknown {
  const box = boxes.get(tagOf(value))
  return box === undefined ? undefined : Reflect.apply(box, value, [])
}

function refuseHostObject(value: object, tag: string): void {
  if (/Generator$| Iterator$/.test(tag)) throw new UnsupportedValueError(`a ${tag}`)
  for (const name of REFUSED_CLASSES) {
    const refused = (globalThis as Record<string, unknown>)[name]
    if (typeof refused === 'function' && value instanceof refused) {
      throw new UnsupportedValueError(
        tag === 'Object' ? `an object of ${name}` : `an object of ${tag}`,
      )
    }
  }
  let prototype = Object.getPrototypeOf(value) as object | null
  for (; prototype !== null; prototype = Object.getPrototypeOf(prototype) as object | null) {
    const name = hostClassOf(prototype)
    if (name !== undefined) throw new UnsupportedValueError(`an object of ${name}`)
  }
}

/**
 * The name of the class whose prototype this is, when the host has it: the class is either native
 * code (in whichever realm) or a global that does not show up when globals are enumerated, which
 * those of a page's own scripts do.
 */
function hostClassOf(prototype: object): string | undefined {
  const constructor = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value as unknown
  if (typeof constructor !== 'function' || constructor.prototype !== prototype) return undefined
  const { name } = constructor
  const isPlainObject = Object.getPrototypeOf(prototype) === null && name === 'Object'
  if (isPlainObject) return undefined
  const native = Function.prototype.toString.call(constructor).endsWith('{ [native code] }')
  return native || isHostGlobal(name, constructor) ? name : undefined
}

function isHostGlobal(name: string, constructor: unknown): boolean {
  const descriptor = Object.getOwnPropertyDescriptor(globalThis, name)
  if (descriptor === undefined || descriptor.enumerable === true) return false
  return (globalThis as Record<string, unknown>)[name] === constructor
}

function tagOf(value: object): string {
  return Object.prototype.toString.call(value).slice('[object '.length, -1)
}

/** Cheap, and wrong for impostors; `accepts` asks for the internal data then. */
function claims(value: object, tag: string, type: BuiltInClass): boolean {
  return tag === type.name || value instanceof type
}

type BuiltIn = (this: unknown) => unknown
type BuiltInClass = new (...args: never[]) => object

function accepts(builtIn: BuiltIn, value: object): boolean {
  try {
    Reflect.apply(builtIn, value, [])
    return true
  } catch {
    return false
  }
}

function getterOf(prototype: object, name: string | symbol): BuiltIn {
  return (Object.getOwnPropertyDescriptor(prototype, name) as { get: BuiltIn }).get
}

function methodOf(prototype: object, name: string): BuiltIn {
  return (Object.getOwnPropertyDescriptor(prototype, name) as { value: BuiltIn }).value
}
