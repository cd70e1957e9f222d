/**
 * A filter's text as a tree. The language:
 *
 *     either  := both ('or' both)*
 *     both    := one ('and' one)*
 *     one     := 'not' one | '(' either ')' | path [comparison] | text
 *     path    := root ('.' name | '[' (text | number) ']')*
 *     comparison := ('=' | '!=' | '<' | '<=' | '>' | '>=' | 'contains' | 'startsWith' | 'endsWith') literal
 *                 | 'in' '[' literal (',' literal)* ']'
 *
 * `&&`, `||`, `!` and `==` are taken for `and`, `or`, `not` and `=`. A path alone asks whether there is
 * something other than null and false; a text alone, whether key or value contain it.
 */
import { FilterError } from './filter-error.js'
import { tokenize, type Token } from './tokens.js'

export const ROOTS = [
  'key',
  'value',
  'headers',
  'offset',
  'partition',
  'timestamp',
  'messageId',
  'priority',
  'deliverAt',
  'expiresAt',
  'codec',
] as const

export type Root = (typeof ROOTS)[number]
export type Literal = string | number | boolean | null
export type Comparison =
  | '='
  | '!='
  | '<'
  | '<='
  | '>'
  | '>='
  | 'contains'
  | 'startsWith'
  | 'endsWith'

export interface Path {
  readonly root: Root
  readonly steps: readonly (string | number)[]
}

export type FilterNode =
  | { readonly type: 'and' | 'or'; readonly sides: readonly [FilterNode, FilterNode] }
  | { readonly type: 'not'; readonly side: FilterNode }
  | { readonly type: 'exists'; readonly path: Path }
  | { readonly type: 'text'; readonly text: string }
  | {
      readonly type: 'compare'
      readonly path: Path
      readonly by: Comparison
      readonly literal: Literal
    }
  | { readonly type: 'in'; readonly path: Path; readonly literals: readonly Literal[] }

const LENGTH_MAX = 2_000
const DEPTH_MAX = 50
const TIMES: readonly Root[] = ['timestamp', 'deliverAt', 'expiresAt']
const COMPARISONS: readonly string[] = [
  '=',
  '!=',
  '<',
  '<=',
  '>',
  '>=',
  'contains',
  'startsWith',
  'endsWith',
]
/** What stands behind a path and behind no text. */
const GOES_ON: readonly string[] = [...COMPARISONS, '==', 'in', '.', '[']
const SAME: Readonly<Record<string, string>> = { '==': '=', '&&': 'and', '||': 'or', '!': 'not' }
const WORD_LITERALS: ReadonlyMap<string, Literal> = new Map<string, Literal>([
  ['true', true],
  ['false', false],
  ['null', null],
])

/** @throws FilterError */
export function parseFilter(text: string): FilterNode {
  if (text.length > LENGTH_MAX) {
    const message = `a filter has at most ${LENGTH_MAX} characters`
    throw new FilterError(message, { at: LENGTH_MAX, length: text.length - LENGTH_MAX })
  }
  return new Parser(tokenize(text)).whole()
}

class Parser {
  readonly #tokens: readonly Token[]
  #next = 0
  #depth = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  whole(): FilterNode {
    const node = this.#either()
    if (this.#token.type === 'end') return node
    throw this.#expected('“and”, “or” or the end')
  }

  #either(): FilterNode {
    let node = this.#both()
    while (this.#take('or')) node = { type: 'or', sides: [node, this.#both()] }
    return node
  }

  #both(): FilterNode {
    let node = this.#one()
    while (this.#take('and')) node = { type: 'and', sides: [node, this.#one()] }
    return node
  }

  #one(): FilterNode {
    const { at, length } = this.#token
    this.#depth += 1
    if (this.#depth > DEPTH_MAX) {
      throw new FilterError(`nothing may be nested deeper than ${DEPTH_MAX}`, { at, length })
    }
    const node = this.#oneWithin()
    this.#depth -= 1
    return node
  }

  #oneWithin(): FilterNode {
    if (this.#take('not')) return { type: 'not', side: this.#one() }
    if (this.#take('(')) {
      const node = this.#either()
      if (!this.#take(')')) throw this.#expected('“)”')
      return node
    }
    const token = this.#token
    if (token.type === 'string') {
      this.#next += 1
      return { type: 'text', text: token.value }
    }
    const path = this.#path()
    if (this.#take('in')) return { type: 'in', path, literals: this.#list(path) }
    const by = COMPARISONS.find((one) => this.#take(one)) as Comparison | undefined
    if (by === undefined) return { type: 'exists', path }
    return { type: 'compare', path, by, literal: this.#literal(path) }
  }

  #path(): Path {
    const token = this.#token
    const root = ROOTS.find((one) => token.type === 'word' && token.text === one)
    if (root === undefined) throw this.#noPath()
    this.#next += 1
    const steps: (string | number)[] = []
    for (;;) {
      if (this.#take('.')) steps.push(this.#name())
      else if (this.#take('[')) steps.push(this.#index())
      else return { root, steps }
    }
  }

  #name(): string {
    const token = this.#token
    if (token.type !== 'word') throw this.#expected('a name; others stand in ["…"]')
    this.#next += 1
    return token.text
  }

  #index(): string | number {
    const token = this.#token
    if (token.type !== 'string' && token.type !== 'number') {
      throw this.#expected('a "name" or a number')
    }
    this.#next += 1
    if (!this.#take(']')) throw this.#expected('“]”')
    return token.value
  }

  #list(path: Path): Literal[] {
    if (!this.#take('[')) throw this.#expected('“[”')
    const literals = [this.#literal(path)]
    while (this.#take(',')) literals.push(this.#literal(path))
    if (!this.#take(']')) throw this.#expected('“,” or “]”')
    return literals
  }

  #literal({ root, steps }: Path): Literal {
    const token = this.#token
    const { at, length } = token
    const word = token.type === 'word' ? WORD_LITERALS.get(token.text) : undefined
    if (word !== undefined) {
      this.#next += 1
      return word
    }
    if (token.type === 'word')
      throw this.#expected('a text in quotes, a number, true, false or null')
    if (token.type !== 'string' && token.type !== 'number')
      throw this.#expected('something to compare with')
    this.#next += 1
    if (token.type === 'number' || steps.length > 0 || !TIMES.includes(root)) return token.value
    const ms = Date.parse(token.value)
    if (!Number.isNaN(ms)) return ms
    throw new FilterError('this is no time: write it as "2026-01-31" or "2026-01-31T12:00:00Z"', {
      at,
      length,
    })
  }

  get #token(): Token {
    // The last token is the end, behind which nothing goes.
    return this.#tokens[this.#next] as Token
  }

  #take(text: string): boolean {
    const token = this.#token
    if (token.type !== 'word' && token.type !== 'sign') return false
    if ((SAME[token.text] ?? token.text) !== text) return false
    this.#next += 1
    return true
  }

  /** A word that is none of the roots: what was meant is mostly a text, or a part of the value. */
  #noPath(): FilterError {
    const token = this.#token
    const { at, length } = token
    if (token.type === 'number') {
      const quoted = JSON.stringify(String(token.value))
      return new FilterError(`to look for a text, put it in quotes: ${quoted}`, { at, length })
    }
    if (token.type !== 'word') return this.#expected(`one of ${ROOTS.join(', ')}`)
    const next = this.#tokens[this.#next + 1]
    const isPart = next !== undefined && 'text' in next && GOES_ON.includes(next.text)
    const meant = isPart ? `value.${token.text}` : JSON.stringify(token.text)
    const advice = isPart ? 'a part of the value is' : 'to look for a text, put it in quotes:'
    const message = `“${token.text}” is none of ${ROOTS.join(', ')}; ${advice} ${meant}`
    return new FilterError(message, { at, length })
  }

  #expected(what: string): FilterError {
    const token = this.#token
    const { at, length } = token
    const found = {
      end: () => 'the filter ends',
      word: () => `“${token.type === 'word' ? token.text : ''}” stands`,
      sign: () => `“${token.type === 'sign' ? token.text : ''}” stands`,
      string: () => 'a text stands',
      number: () => 'a number stands',
    }[token.type]()
    return new FilterError(`${found} where ${what} is expected`, { at, length })
  }
}
