/**
 * The checker's counters, always in sight: red as soon as one that should be 0 is not. What a crash
 * explains is counted too, but is not red.
 */
import { formatCount } from '../format.js'
import { setAttribute, setText } from '../dom.js'
import type { Verdict } from '../ledger/checker.js'
import { describeVerdict, kindOfVerdict } from './describe-verdict.js'

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
      const isExplained = name === 'twice' && value > 0 && value === counts.afterCrash
      setAttribute(counter, 'data-explained', isExplained ? '' : undefined)
    }
    setAttribute(this.#root, 'data-verdict', kindOfVerdict(verdict))
    setText(this.#verdict, describeVerdict(verdict))
  }
}
