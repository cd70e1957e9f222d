/** Feeds a reader of the demo slice by slice. */
import type { Problem, Row, RowReader } from '../../demo/files/row-reader.js'

export function readAll(reader: RowReader, slices: readonly string[]) {
  const rows: Row[] = []
  const problems: Problem[] = []
  for (const part of [...slices.map((slice) => reader.push(slice)), reader.end()]) {
    rows.push(...part.rows)
    problems.push(...part.problems)
  }
  return { rows, problems }
}

/** The text cut at these places. */
export function slicesOf(text: string, cuts: readonly number[]): string[] {
  const places = [0, ...cuts.map((cut) => Math.min(cut, text.length)), text.length].sort(
    (a, b) => a - b,
  )
  return places.slice(1).map((to, index) => text.slice(places[index], to))
}
