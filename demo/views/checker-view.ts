/** The checker's counters, always in sight: red as soon as one that should be 0 is not. */
import { formatCount, formatQuantity } from '../format.js'
import { setAttribute, setText } from '../dom.js'
import type { Finding } from '../ledger/ledger-count.js'
import type { Verdict } from '../ledger/checker.js'

const SHOWN = ['sent', 'handled', 'waiting', 'lost', 'twice', 'outOfOrder'] as const

export class CheckerView {
  readonly #root: HTMLElement
  readonly #verdict: HTMLElement

  constructor(root: HTMLElement, verdict: HTMLElement) {
    this.#root = root
    this.#verdict = verdict
  }

  update(verdict: Verdict): void {
    const { counts } = verdict
    for (const name of SHOWN) {
      const value = counts[name]
      const counter = this.#root.querySelector(`[data-counter="${name}"]`)
      const number = counter?.querySelector('dd')
      if (!(counter instanceof HTMLElement) || number === null || number === undefined) continue
      setText(number, formatCount(value))
      setAttribute(counter, 'data-value', String(value))
    }
    const isRed = isFaulty(verdict)
    setAttribute(this.#root, 'data-verdict', isRed ? 'red' : counts.sent === 0 ? 'none' : 'good')
    setText(this.#verdict, describeVerdict(verdict))
  }
}

export function isFaulty({ counts }: Verdict): boolean {
  return counts.lost + counts.twice + counts.outOfOrder + counts.mixedUp > 0
}

export function describeVerdict(verdict: Verdict): string {
  const { counts, findings } = verdict
  if (isFaulty(verdict)) return findings.map(describeFinding).join(' ')
  if (counts.sent === 0) return 'Nothing sent yet.'
  const unconfirmed =
    counts.unconfirmed === 0
      ? ''
      : ` ${formatQuantity(counts.unconfirmed, 'message was', 'messages were')} handled before the sender heard back.`
  if (counts.waiting > 0) return `All in order so far.${unconfirmed}`
  return `Each message was handled once, and in order.${unconfirmed}`
}

function describeFinding({ what, partition, offset, tab }: Finding): string {
  const place = `partition ${partition}, offset ${offset}`
  const who = tab === undefined ? '' : ` by Tab ${tab}`
  switch (what) {
    case 'lost':
      return `Lost: ${place}.`
    case 'twice':
      return `Handled twice: ${place}, again${who}.`
    case 'out of order':
      return `Out of order: ${place}${who}.`
    case 'mixed up':
      return `Another message than the one that was sent: ${place}.`
  }
}
