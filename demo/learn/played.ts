/** What is known of one playing of a scenario, over all its steps. */
import type { Moment } from './scenario.js'

export class Played {
  /** How it was when it was opened, as soon as that is known. */
  begun: Moment | undefined
  /** The titles of the steps that were done: who goes back finds them so. */
  readonly done = new Set<string>()
}
