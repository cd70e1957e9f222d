/** What is said of a file that could not be read or sent as it is. */
import { FileError } from '../files/row-reader.js'
import { formatCount, formatQuantity } from '../format.js'
import { describeError } from '../describe-error.js'
import { GroupError, type FileResult } from '../sending/file-sender.js'

export function describeFileFailure(name: string, error: unknown): string {
  if (error instanceof FileError) return `${name}: ${error.message}`
  if (error instanceof GroupError) {
    const line = formatCount(error.firstLine)
    return `${name}: from line ${line} on, rows were not sent. ${describeError(error.cause)}`
  }
  return `${name}: ${describeError(error)}`
}

/** The first few lines with something wrong; undefined when there are none. */
export function describeProblems(
  name: string,
  { problems, problemCount }: Pick<FileResult, 'problems' | 'problemCount'>,
): string | undefined {
  if (problemCount === 0) return undefined
  const named = problems.map(({ line, text }) => `Line ${formatCount(line)} ${text}.`).join(' ')
  const more = problemCount - problems.length
  const rest =
    more === 0
      ? ''
      : ` There ${more === 1 ? 'is' : 'are'} ${formatQuantity(more, 'more line')} like this.`
  return `${name}: ${named}${rest}`
}
