/** A filter's text as tokens, each with its place. */
import { FilterError } from './filter-error.js'

export type Token =
  | { readonly type: 'word'; readonly text: string; readonly at: number; readonly length: number }
  | { readonly type: 'sign'; readonly text: string; readonly at: number; readonly length: number }
  | {
      readonly type: 'string'
      readonly value: string
      readonly at: number
      readonly length: number
    }
  | {
      readonly type: 'number'
      readonly value: number
      readonly at: number
      readonly length: number
    }
  | { readonly type: 'end'; readonly at: number; readonly length: 0 }

/** Longer ones first: the first that fits is taken. */
const SIGNS = ['==', '!=', '<=', '>=', '&&', '||', '=', '<', '>', '!', '(', ')', '[', ']', '.', ',']
const WORD = /[\p{L}_$][\p{L}\p{N}_$-]*/uy
const NUMBER = /-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/iy
const SPACE = /\s+/y

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' }

/** @throws FilterError */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < text.length) {
    const space = matchAt(SPACE, text, at)
    if (space !== undefined) {
      at += space.length
      continue
    }
    const token = tokenAt(text, at)
    tokens.push(token)
    at += token.length
  }
  tokens.push({ type: 'end', at: text.length, length: 0 })
  return tokens
}

function tokenAt(text: string, at: number): Token {
  const char = text.charAt(at)
  if (char === '"' || char === "'") return stringAt(text, at, char)
  const number = matchAt(NUMBER, text, at)
  if (number !== undefined) {
    return { type: 'number', value: Number(number), at, length: number.length }
  }
  const word = matchAt(WORD, text, at)
  if (word !== undefined) return { type: 'word', text: word, at, length: word.length }
  const sign = SIGNS.find((one) => text.startsWith(one, at))
  if (sign !== undefined) return { type: 'sign', text: sign, at, length: sign.length }
  const shown = String.fromCodePoint(text.codePointAt(at) ?? 0)
  const message = `“${shown}” means nothing here; a text stands in quotes`
  throw new FilterError(message, { at, length: shown.length })
}

function stringAt(text: string, at: number, quote: string): Token {
  let value = ''
  for (let next = at + 1; next < text.length; next++) {
    const char = text.charAt(next)
    if (char === quote) return { type: 'string', value, at, length: next + 1 - at }
    if (char === '\\') {
      next += 1
      const escaped = text.charAt(next)
      value += ESCAPES[escaped] ?? escaped
    } else value += char
  }
  throw new FilterError(`this text has no closing ${quote}`, { at, length: text.length - at })
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0]
}
