/** Text files: every line that is not blank is a message. */
import {
  isTooLong,
  ROW_BYTES_MAX,
  tooLong,
  type Problem,
  type Row,
  type RowReader,
} from './row-reader.js'

export class LineReader implements RowReader {
  readonly #read: (text: string, line: number) => { row: Row; problem?: Problem }
  #rest = ''
  #line = 1
  /** In the middle of a line that is too long to be kept. */
  #isSkipping = false

  /** @param read makes a row of a line; without it the row is the line */
  constructor(
    read = (text: string, line: number): { row: Row; problem?: Problem } => ({
      row: { line, value: text },
    }),
  ) {
    this.#read = read
  }

  push(text: string) {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    const { rows, problems } = this.#take(lines)
    if (this.#rest.length > ROW_BYTES_MAX) {
      if (!this.#isSkipping) problems.push(tooLong(this.#line))
      this.#isSkipping = true
      this.#rest = ''
    }
    return { rows, problems }
  }

  end() {
    const lines = this.#rest === '' ? [] : [this.#rest]
    this.#rest = ''
    return this.#take(lines)
  }

  #take(lines: readonly string[]): { rows: Row[]; problems: Problem[] } {
    const rows: Row[] = []
    const problems: Problem[] = []
    for (const text of lines) {
      const line = this.#line
      this.#line += 1
      if (this.#isSkipping) {
        this.#isSkipping = false
      } else if (isTooLong(text)) {
        problems.push(tooLong(line))
      } else if (text.trim() !== '') {
        const { row, problem } = this.#read(text, line)
        rows.push(row)
        if (problem !== undefined) problems.push(problem)
      }
    }
    return { rows, problems }
  }
}
