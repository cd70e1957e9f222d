/** What was measured, as a table to read and as lines for a program. */
import type { Figure } from './figures.js'

export interface Result extends Pick<Figure, 'name' | 'what' | 'unit' | 'target'> {
  readonly note: string
  /** The first is tabmq, the second whom it is compared with. */
  readonly contenders: readonly {
    readonly name: string
    readonly guarantee: string
    /** The median of all rounds. */
    readonly value: number
    readonly all: readonly number[]
  }[]
}

type Verdict = 'aim' | 'must' | 'short'

export function ratioOf({ contenders: [first, second] }: Result): number | undefined {
  return first === undefined || second === undefined ? undefined : first.value / second.value
}

/** How far it got: to the aim, to what must be, or to neither. */
export function verdictOf(result: Result): Verdict {
  const { of, isAtLeast, must, aim } = result.target
  const got = (of === 'ratio' ? ratioOf(result) : result.contenders[0]?.value) ?? NaN
  const reaches = (mark: number) => (isAtLeast ? got >= mark : got <= mark)
  if (reaches(aim)) return 'aim'
  return reaches(must) ? 'must' : 'short'
}

/** One line of JSON for each figure. */
export function jsonLines(results: readonly Result[]): string[] {
  return results.map((result) => {
    const [first, second] = result.contenders
    return JSON.stringify({
      figure: result.name,
      value: rounded(first?.value),
      unit: result.unit,
      peer: second?.name ?? null,
      peer_value: rounded(second?.value) ?? null,
      ratio: rounded(ratioOf(result)) ?? null,
    })
  })
}

export function describeResults(results: readonly Result[]): string {
  return results
    .map((result) => {
      const head = `${result.name}: ${plain(result.what)}\n  ${verdictText(result)}`
      const rows = result.contenders.map(({ name, value, all, guarantee }, index) => {
        const spread =
          all.length > 1
            ? ` (${formatted(Math.min(...all))} to ${formatted(Math.max(...all))})`
            : ''
        const ratio = index === 1 ? `   ${formatted(ratioOf(result) ?? NaN)}×` : ''
        return `  ${name.padEnd(28)} ${formatted(value).padStart(11)} ${result.unit}${spread}${ratio}   ${guarantee}`
      })
      const note = result.note === '' ? [] : [`  ${result.note}`]
      return [head, ...rows, ...note].join('\n')
    })
    .join('\n\n')
}

/** For README and docs. */
export function markdownTable(results: readonly Result[]): string {
  const rows = results.map((result) => {
    const [first, second] = result.contenders
    const ratio = ratioOf(result)
    return [
      `**${result.name}**: ${result.what}${result.note === '' ? '' : ` (${result.note})`}`,
      `${formatted(first?.value ?? NaN)} ${result.unit}`,
      second === undefined ? '' : `${second.name}: ${formatted(second.value)} ${result.unit}`,
      ratio === undefined ? '' : `${formatted(ratio)}×`,
      targetText(result),
      { aim: 'reached, aim and all', must: 'reached', short: 'not reached' }[verdictOf(result)],
    ]
  })
  const head = ['figure', 'tabmq', 'peer', 'ratio', 'to be reached (aim)', '']
  const lines = [head, head.map(() => '---'), ...rows]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function verdictText(result: Result): string {
  const verdict = { aim: 'aim reached', must: 'reached', short: 'NOT reached' }[verdictOf(result)]
  return `${verdict}: ${targetText(result)}`
}

function targetText({ target, unit }: Result): string {
  const sign = target.isAtLeast ? '≥' : '≤'
  const mark = (value: number) => (target.of === 'ratio' ? `${value}×` : `${value} ${unit}`)
  return `${sign} ${mark(target.must)} (${sign} ${mark(target.aim)})`
}

const plain = (markdown: string) => markdown.replaceAll('`', '')

function rounded(value: number | undefined): number | undefined {
  return value === undefined ? undefined : Number(value.toPrecision(4))
}

export function formatted(value: number): string {
  if (value >= 1_000) return Math.round(Number(value.toPrecision(3))).toLocaleString('en')
  return String(Number(value.toPrecision(3)))
}
