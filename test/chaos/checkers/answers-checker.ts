/** An answer is the one to what was asked. */
import type { Report } from '../../sim/history.js'
import { answerTo } from '../plan.js'
import type { RecordedEvent } from '../record.js'

export class AnswersChecker {
  readonly #report: Report

  constructor(report: Report) {
    this.#report = report
  }

  on(event: RecordedEvent): void {
    if (event.type !== 'answered' || event.answer === answerTo(event.id)) return
    this.#report(`${event.tab}: request ${event.id} was answered ${event.answer}`)
  }
}
