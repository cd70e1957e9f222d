/**
 * The key of a row. Rows of one key go to one partition and stay in order, so a good key names a
 * thing that many rows are about: a state, a station, a customer.
 */
import type { Row } from './row-reader.js'

/** How a row's key is found: from a column, the line itself, or not at all. */
export type KeyChoice =
  | { readonly by: 'column'; readonly column: string }
  | { readonly by: 'line' }
  | { readonly by: 'none' }

const KEY_LENGTH_MAX = 200

const GOOD_NAMES =
  /(^|[^a-z])(key|id|user|customer|account|device|sensor|host|state|country|region|city|county|station|airport|location|site|species|symbol|category|origin|name)([^a-z]|$)/i

export function columnsOf(rows: readonly Row[]): string[] {
  const columns = new Set<string>()
  for (const { value } of rows.slice(0, 200)) {
    if (isPlainObject(value)) for (const name of Object.keys(value)) columns.add(name)
  }
  return [...columns]
}

/** The column that names things best; undefined when there are no columns. */
export function guessKeyColumn(
  rows: readonly Row[],
  columns: readonly string[],
): string | undefined {
  const scores = columns.map((column) => ({ column, score: scoreOf(rows, column) }))
  return scores.reduce<(typeof scores)[number] | undefined>(
    (best, one) => (best === undefined || one.score > best.score ? one : best),
    undefined,
  )?.column
}

/** Undefined for a row without one. A long key is cut: it is stored beside the value. */
export function keyOf(value: unknown, choice: KeyChoice): string | undefined {
  return wholeKeyOf(value, choice)?.slice(0, KEY_LENGTH_MAX)
}

function wholeKeyOf(value: unknown, choice: KeyChoice): string | undefined {
  switch (choice.by) {
    case 'none':
      return undefined
    case 'line':
      return typeof value === 'string' ? value : JSON.stringify(value)
    case 'column':
      return isPlainObject(value) ? keyText(value[choice.column]) : undefined
  }
}

function keyText(value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Some different values, each in many rows; text rather than numbers; a name that sounds like one. */
function scoreOf(rows: readonly Row[], column: string): number {
  const texts = rows.flatMap(({ value }) =>
    isPlainObject(value) ? (keyText(value[column]) ?? []) : [],
  )
  if (texts.length === 0) return -1
  const distinct = new Set(texts).size
  const isVaried = distinct >= 6 && distinct <= texts.length / 2
  const isConstant = distinct === 1
  const isNumeric = texts.every((text) => Number.isFinite(Number(text)))
  const named = GOOD_NAMES.test(column) ? 2 : 0
  return named + (isVaried ? 2 : 0) + (isNumeric ? 0 : 1) - (isConstant ? 3 : 0)
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
