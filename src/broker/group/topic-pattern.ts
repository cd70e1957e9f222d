/**
 * A regular expression over topic names that takes time in proportion to the name, whatever the
 * expression. A tab chooses it and the broker runs it for all: the engine's own matcher goes back and
 * tries again, and `^(a+)+$` would keep the broker from everybody for longer than a page lives. So
 * the expression becomes a small machine (Thompson's construction) of which all ways are followed at
 * once. As in Kafka (KIP-848, RE2), what cannot be matched so is refused: backreferences, lookahead
 * and lookbehind.
 *
 * The syntax, and what a single character means, are left to the engine: this finds only where the
 * parts begin and end.
 */
import { assert } from '../../std/assert.js'

/** A step of the machine: to `next` by a character, or to several without one. */
type Step =
  | { readonly kind: 'character'; readonly accepts: ReadonlySet<string>; next: number }
  | { readonly kind: 'fork'; readonly next: number[] }
  | { readonly kind: 'assertion'; readonly holds: Assertion; next: number }
  | { readonly kind: 'match' }

type Assertion = (name: string, at: number) => boolean

/** A part of the machine: where it begins, and what to call with the step that comes after it. */
interface Fragment {
  readonly start: number
  readonly connect: (next: number) => void
}

/** An expression that the engine would take; the message is what it must not have. */
export class PatternRefused extends Error {}

/** All characters that a topic's name can have. */
const ALPHABET = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-'.split('')

export class TopicPattern {
  readonly #steps: readonly Step[]
  readonly #start: number
  /** By step, the place in the name for which it was last reached. */
  readonly #reachedAt: Int32Array

  /** @throws SyntaxError, PatternRefused */
  constructor(source: string, flags: string, stepsMax: number) {
    const builder = new MachineBuilder(source, flags, stepsMax)
    this.#start = builder.build()
    this.#steps = builder.steps
    this.#reachedAt = new Int32Array(this.#steps.length)
  }

  /** How large the machine is: so many steps are taken per character at the most. */
  get size(): number {
    return this.#steps.length
  }

  /** Whether the expression matches somewhere in the name. */
  test(name: string): boolean {
    this.#reachedAt.fill(-1)
    let reached: number[] = []
    for (let at = 0; ; at++) {
      // A match may begin at every place.
      if (this.#follow(this.#start, { name, at, reached })) return true
      if (at === name.length) return false
      const character = name.charAt(at)
      const before = reached
      reached = []
      for (const index of before) {
        const step = this.#steps[index]
        if (step?.kind !== 'character' || !step.accepts.has(character)) continue
        if (this.#follow(step.next, { name, at: at + 1, reached })) return true
      }
    }
  }

  /** Goes on from a step until characters are needed; whether that was the end. */
  #follow(first: number, to: { name: string; at: number; reached: number[] }): boolean {
    const { name, at, reached } = to
    const open = [first]
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      const step = this.#steps[index]
      if (step === undefined || this.#reachedAt[index] === at) continue
      this.#reachedAt[index] = at
      if (step.kind === 'match') return true
      if (step.kind === 'character') reached.push(index)
      else if (step.kind === 'fork') open.push(...step.next)
      else if (step.holds(name, at)) open.push(step.next)
    }
    return false
  }
}

class MachineBuilder {
  readonly steps: Step[] = []
  readonly #source: string
  readonly #flags: string
  readonly #isUnicode: boolean
  readonly #stepsMax: number
  readonly #accepted = new Map<string, ReadonlySet<string>>()
  #at = 0

  constructor(source: string, flags: string, stepsMax: number) {
    // `g` and `y` would make it match every other time.
    const flagsThatMatter = flags.replace(/[gy]/g, '')
    // The engine says whether it is an expression at all; what follows need not.
    void new RegExp(source, flagsThatMatter)
    this.#source = source
    this.#flags = flagsThatMatter
    this.#isUnicode = /[uv]/.test(flags)
    this.#stepsMax = stepsMax
  }

  build(): number {
    const whole = this.#alternatives()
    assert(this.#at === this.#source.length, () => `read to ${this.#at} of ${this.#source}`)
    whole.connect(this.#add({ kind: 'match' }))
    return whole.start
  }

  #alternatives(): Fragment {
    const branches = [this.#sequence()]
    while (this.#take('|')) branches.push(this.#sequence())
    const [only] = branches
    if (branches.length === 1 && only !== undefined) return only
    const start = this.#add({ kind: 'fork', next: branches.map((branch) => branch.start) })
    return { start, connect: (next) => branches.forEach((branch) => branch.connect(next)) }
  }

  #sequence(): Fragment {
    let whole = this.#nothing()
    while (this.#at < this.#source.length && !'|)'.includes(this.#peek())) {
      whole = joined(whole, this.#repeated())
    }
    return whole
  }

  /** A part with the quantifier behind it; each copy but the first is read from the source again. */
  #repeated(): Fragment {
    const from = this.#at
    const first = this.#part()
    const quantifier = this.#quantifier()
    if (quantifier === undefined) return first
    const { min, max } = quantifier
    const after = this.#at
    const isEndless = max === Infinity
    const copies = isEndless ? Math.max(1, min) : max
    let whole = this.#nothing()
    for (let count = 1; count <= copies; count++) {
      this.#at = from
      const part = count === 1 ? first : this.#part()
      const isLast = count === copies
      const looping = isEndless && isLast ? this.#repeating(part) : part
      whole = joined(whole, count <= min ? looping : this.#optional(looping))
    }
    this.#at = after
    return whole
  }

  #part(): Fragment {
    if (this.#take('(')) return this.#group()
    if (this.#take('^')) return this.#assertion((_, at) => at === 0)
    if (this.#take('$')) return this.#assertion((name, at) => at === name.length)
    if (this.#take('\\b')) return this.#assertion(isWordBoundary)
    if (this.#take('\\B')) return this.#assertion((name, at) => !isWordBoundary(name, at))
    const from = this.#at
    this.#at += this.#characterLength()
    return this.#character(this.#source.slice(from, this.#at))
  }

  #group(): Fragment {
    if (this.#take('?') && !this.#take(':')) {
      const name = /^<[^=!][^>]*>/.exec(this.#rest())
      if (name === null) throw new PatternRefused('lookahead, lookbehind or modifiers')
      this.#at += name[0].length
    }
    const inside = this.#alternatives()
    this.#at += 1
    return inside
  }

  /** How many characters of the source stand for one of the name. */
  #characterLength(): number {
    const rest = this.#rest()
    if (rest.startsWith('[')) return this.#classLength(rest)
    if (!rest.startsWith('\\')) return String.fromCodePoint(rest.codePointAt(0) ?? 0).length
    if (/^\\(?:[1-9k]|0\d|c(?![a-zA-Z]))/.test(rest)) throw new PatternRefused('backreferences')
    const long = this.#isUnicode
      ? /^\\(?:u\{[^}]*\}|[pP]\{[^}]*\}|u[\da-f]{4}|x[\da-f]{2}|c[a-z])/i.exec(rest)
      : /^\\(?:u[\da-f]{4}|x[\da-f]{2}|c[a-z])/i.exec(rest)
    return long?.[0].length ?? 2
  }

  #classLength(rest: string): number {
    const nests = this.#flags.includes('v')
    let depth = 0
    for (let at = 0; at < rest.length; at++) {
      const character = rest[at]
      if (character === '\\') at += 1
      else if (character === '[' && (nests || depth === 0)) depth += 1
      else if (character === ']' && --depth === 0) return at + 1
    }
    throw new PatternRefused('class without an end')
  }

  #quantifier(): { min: number; max: number } | undefined {
    const found = /^(?:[*+?]|\{(\d+)(,?)(\d*)\})\??/.exec(this.#rest())
    if (found === null) return undefined
    this.#at += found[0].length
    const [sign, min = '0', comma, max] = found
    if (sign.startsWith('*')) return { min: 0, max: Infinity }
    if (sign.startsWith('+')) return { min: 1, max: Infinity }
    if (sign.startsWith('?')) return { min: 0, max: 1 }
    if (comma === '') return { min: Number(min), max: Number(min) }
    return { min: Number(min), max: max === '' ? Infinity : Number(max) }
  }

  #character(source: string): Fragment {
    const step = { kind: 'character' as const, accepts: this.#acceptedBy(source), next: 0 }
    return { start: this.#add(step), connect: (next) => (step.next = next) }
  }

  #assertion(holds: Assertion): Fragment {
    const step = { kind: 'assertion' as const, holds, next: 0 }
    return { start: this.#add(step), connect: (next) => (step.next = next) }
  }

  #nothing(): Fragment {
    const next: number[] = []
    return { start: this.#add({ kind: 'fork', next }), connect: (to) => next.push(to) }
  }

  #optional(part: Fragment): Fragment {
    const next = [part.start]
    const connect = (to: number) => {
      next.push(to)
      part.connect(to)
    }
    return { start: this.#add({ kind: 'fork', next }), connect }
  }

  /** Once or more often. */
  #repeating(part: Fragment): Fragment {
    const next = [part.start]
    part.connect(this.#add({ kind: 'fork', next }))
    return { start: part.start, connect: (to) => next.push(to) }
  }

  #acceptedBy(source: string): ReadonlySet<string> {
    const known = this.#accepted.get(source)
    if (known !== undefined) return known
    const one = new RegExp(`^(?:${source})$`, this.#flags)
    const accepts = new Set(ALPHABET.filter((character) => one.test(character)))
    this.#accepted.set(source, accepts)
    return accepts
  }

  #add(step: Step): number {
    if (this.steps.length >= this.#stepsMax)
      throw new PatternRefused(`more than ${this.#stepsMax} parts when it is unfolded`)
    return this.steps.push(step) - 1
  }

  #take(token: string): boolean {
    if (!this.#source.startsWith(token, this.#at)) return false
    this.#at += token.length
    return true
  }

  #peek(): string {
    return this.#source.charAt(this.#at)
  }

  #rest(): string {
    return this.#source.slice(this.#at)
  }
}

function joined(first: Fragment, second: Fragment): Fragment {
  first.connect(second.start)
  return { start: first.start, connect: second.connect }
}

function isWordBoundary(name: string, at: number): boolean {
  const isWord = (index: number) => /\w/.test(name.charAt(index))
  return isWord(at - 1) !== isWord(at)
}
