/**
 * Reads the fields of an untrusted plain object one by one. The first that is missing, of another
 * type or out of its range ends the reading with an `INVALID_REQUEST` that names it.
 */
import { TabmqError } from './errors.js'
import { describe } from './names.js'

export interface IntegerRange {
  readonly min: number
  readonly max: number
}

export const ANY_COUNT: IntegerRange = { min: 0, max: Number.MAX_SAFE_INTEGER }

export class Fields {
  readonly #what: string
  readonly #values: Readonly<Record<string, unknown>>

  /** `what` names the object in error messages, e.g. `fetch` or `fetch.partitions[0]`. */
  constructor(what: string, value: unknown) {
    if (!isPlainObject(value)) {
      throw new TabmqError('INVALID_REQUEST', `${what} must be an object, not ${describe(value)}`, {
        field: what,
      })
    }
    this.#what = what
    this.#values = value
  }

  has(field: string): boolean {
    return this.#get(field) !== undefined
  }

  raw(field: string): unknown {
    return this.#get(field)
  }

  integer(field: string, range: IntegerRange = ANY_COUNT): number {
    const value = this.#get(field)
    if (Number.isSafeInteger(value)) {
      const integer = value as number
      if (integer >= range.min && integer <= range.max) return withoutNegativeZero(integer)
    }
    throw this.#invalid(field, `a whole number from ${range.min} to ${range.max}`)
  }

  boolean(field: string): boolean {
    const value = this.#get(field)
    if (typeof value === 'boolean') return value
    throw this.#invalid(field, 'true or false')
  }

  string(field: string, lengthMax: number): string {
    const value = this.#get(field)
    if (typeof value === 'string' && value.length <= lengthMax) return value
    throw this.#invalid(field, `a string of at most ${lengthMax} characters`)
  }

  oneOf<T extends string | number>(field: string, allowed: readonly T[]): T {
    const value = this.#get(field)
    const found = allowed.find((item) => item === value)
    if (found !== undefined) return found
    throw this.#invalid(field, `one of ${allowed.map((item) => describe(item)).join(', ')}`)
  }

  /** One that stays as long as it is: a resizable one would be stored with room for what it may be. */
  buffer(field: string): ArrayBuffer {
    const value = this.#get(field)
    if (value instanceof ArrayBuffer && !isResizable(value)) return value
    throw this.#invalid(field, 'an ArrayBuffer of a fixed length')
  }

  object(field: string): Fields {
    return new Fields(`${this.#what}.${field}`, this.#get(field))
  }

  list<T>(field: string, lengthMax: number, parse: (item: unknown, what: string) => T): T[] {
    const value = this.#get(field)
    if (!Array.isArray(value) || value.length > lengthMax) {
      throw this.#invalid(field, `an array of at most ${lengthMax} items`)
    }
    return Array.from(value, (item: unknown, index) =>
      parse(item, `${this.#what}.${field}[${index}]`),
    )
  }

  /** The names of its own fields, where these are the data. */
  names(countMax: number, lengthMax: number): string[] {
    const names = Object.keys(this.#values)
    if (names.length <= countMax && names.every((name) => name.length <= lengthMax)) return names
    const expected = `at most ${countMax} fields, with names of at most ${lengthMax} characters`
    throw new TabmqError('INVALID_REQUEST', `${this.#what} must have ${expected}`, {
      field: this.#what,
    })
  }

  #get(field: string): unknown {
    return Object.hasOwn(this.#values, field) ? this.#values[field] : undefined
  }

  #invalid(field: string, expected: string): TabmqError {
    const got = describe(this.#get(field))
    return new TabmqError(
      'INVALID_REQUEST',
      `${this.#what}.${field} must be ${expected}, not ${got}`,
      { field: `${this.#what}.${field}`, value: got },
    )
  }
}

/**
 * Whether it is an object of fields, and no Map, Date, Error or typed array: those cross a port too,
 * and the entries of a large typed array would take all memory there is.
 */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return Object.prototype.toString.call(value) === '[object Object]'
}

/** -0 is a whole number too, and another key, or no key, than 0 where one compares by identity. */
export function withoutNegativeZero(value: number): number {
  return value === 0 ? 0 : value
}

function isResizable(buffer: ArrayBuffer): boolean {
  return (buffer as { resizable?: boolean }).resizable === true
}
