/** What a guided scenario is made of. */
import type { Demo, Shown } from '../app/demo.js'
import type { Parts } from '../app/parts.js'

export interface Scenario {
  /** In the address. */
  readonly id: string
  readonly title: string
  /** What one will have seen, in a sentence. */
  readonly summary: string
  readonly steps: readonly Step[]
}

export interface Step {
  readonly title: string
  /** Paragraphs. `*so*` is emphasised, and `` `so` `` is code. */
  readonly text: readonly string[]
  readonly actions?: readonly StepAction[]
  /** Whether what the step is about is to be seen. */
  readonly isDone: (seen: Seen) => boolean
  /** What is waited for until then. */
  readonly waitingFor: string
  /** What there is to see then. */
  readonly done: string
}

export interface StepAction {
  readonly label: string
  readonly run: (parts: Parts) => unknown
}

export interface Seen {
  readonly demo: Demo
  readonly now: Shown
  /** How it was when the step began. */
  readonly since: Shown
}
