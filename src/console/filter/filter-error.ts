/** What is wrong with a filter, and where: `at` counts characters from 0, `length` may be 0 at its end. */
export class FilterError extends Error {
  readonly at: number
  readonly length: number

  constructor(message: string, { at, length }: { at: number; length: number }) {
    super(message)
    this.name = 'FilterError'
    this.at = at
    this.length = length
  }
}
