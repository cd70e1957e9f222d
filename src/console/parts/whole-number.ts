/** Whole numbers as they are typed. */

export interface WholeNumberOptions {
  /** The smallest that is meant. Default 0. */
  readonly min?: number
  /** Whether nothing at all is right, too. Default no. */
  readonly isOptional?: boolean
}

/** Undefined where nothing was typed, or nothing that can be read: then `error` says so. */
export interface TypedNumber {
  readonly number?: number
  readonly error?: string
}

/** Digits and nothing else: what reads otherwise is an error, and never taken for an empty field. */
export function readWholeNumber(
  text: string,
  { min = 0, isOptional = false }: WholeNumberOptions = {},
): TypedNumber {
  const typed = text.trim()
  if (typed === '' && isOptional) return {}
  const number = /^\d+$/.test(typed) ? Number(typed) : Number.NaN
  if (Number.isSafeInteger(number) && number >= min) return { number }
  return { error: min === 0 ? 'A whole number.' : `A whole number of at least ${min}.` }
}
