/**
 * JSON on lines of its own, token for token as it stands: what reading it and printing it anew would change, such
 * as long numbers, names that come twice and escaped characters, is shown as it is.
 */
export interface IndentOptions {
  /** Spaces for each level. */
  readonly indent: number
  /** Indenting stops about there. Default: no limit. */
  readonly charsMax?: number
}

const SPACE = /[\t\n\r ]*/y
const NUMBER_OR_WORD = /[^\t\n\r ,:[\]{}"]+/y

/** Of a text that has been found to be JSON: nothing is checked. */
export function indentedJson(json: string, { indent, charsMax = Infinity }: IndentOptions): string {
  const parts: string[] = []
  let length = 0
  let level = 0
  const add = (text: string) => {
    parts.push(text)
    length += text.length
  }
  const line = () => add(`\n${' '.repeat(indent * level)}`)
  let at = endOf(SPACE, json, 0)
  while (at < json.length) {
    if (length > charsMax) break
    const end = tokenEnd(json, at)
    const token = json.slice(at, end)
    at = endOf(SPACE, json, end)
    switch (token) {
      case '{':
      case '[':
        add(token)
        if (isClosing(json[at])) {
          add(json.charAt(at))
          at = endOf(SPACE, json, at + 1)
        } else {
          level += 1
          line()
        }
        break
      case '}':
      case ']':
        level -= 1
        line()
        add(token)
        break
      case ',':
        add(token)
        line()
        break
      case ':':
        add(': ')
        break
      default:
        add(token)
    }
  }
  return parts.join('')
}

function isClosing(char: string | undefined): boolean {
  return char === '}' || char === ']'
}

function tokenEnd(json: string, at: number): number {
  if (json[at] === '"') return stringEnd(json, at)
  return Math.max(at + 1, endOf(NUMBER_OR_WORD, json, at))
}

/** By hand: an expression that steps over pairs takes memory for each, and strings are long. */
function stringEnd(json: string, at: number): number {
  for (let end = at + 1; end < json.length; end++) {
    if (json[end] === '"') return end + 1
    if (json[end] === '\\') end += 1
  }
  return json.length
}

function endOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : at
}
