/** What a guided scenario is made of. */
import type { Shown } from '../app/demo.js'
import type { Parts } from '../app/parts.js'
import type { BeforeLesson } from './before-lesson.js'
import type { PanelName } from './panels.js'

export interface Scenario {
  /** In the address. */
  readonly id: string
  readonly title: string
  /** What one will have seen, in a sentence. */
  readonly summary: string
  readonly steps: readonly Step[]
  /** What is to be undone when it is left, besides what is put back anyway. */
  readonly putBack?: Undoing
}

/** What a lesson does that outlives its page, and that nothing on the page need show at once. */
export type Deed = 'workers stopped' | 'poison sent'

export interface Undoing {
  /** What makes it necessary. */
  readonly deed: Deed
  /** Returns what it did, if anything was left to do. */
  readonly undo: (parts: Parts, before: BeforeLesson) => string | undefined
}

export interface Step {
  readonly title: string
  /** Paragraphs. `*so*` is emphasised, and `` `so` `` is code. */
  readonly text: readonly string[]
  /** Where on the stage it is to be seen. */
  readonly shows: readonly [PanelName, ...PanelName[]]
  /** What has to be there for it, in the order in which to bring it about. */
  readonly needs: readonly Need[]
  readonly actions?: readonly StepAction[]
  /**
   * Whether what the step is about has happened, since it began: how things happen to be is no evidence.
   * So it is never true of a moment that is compared with itself.
   */
  readonly isDone: (seen: Seen) => boolean
  /** What is waited for until then. */
  readonly waitingFor: string
  /** What there is to see then. */
  readonly done: string
  /** Numbers that the lesson itself shows. */
  readonly facts?: (now: Moment) => readonly StepFact[]
}

/** Something without which a step cannot be: whoever comes by its address may lack it. */
export interface Need {
  readonly isMet: (seen: Pick<Seen, 'now' | 'begun'>) => boolean
  /** Said while it is not met: what is missing. */
  readonly missing: string
  /** Brings it about. */
  readonly action: StepAction
  /** Only the beginning of the step needs it: the step itself ends it. */
  readonly isToBegin?: boolean
}

export interface StepAction {
  readonly label: string
  readonly run: (parts: Parts) => unknown
}

export interface StepFact {
  readonly name: string
  readonly value: number
}

export interface Seen {
  readonly now: Moment
  /** How it was when the step began, that is when all that it needs was there. */
  readonly since: Moment
  /** How it was when the scenario was opened. */
  readonly begun: Moment
}

/** The page at one moment, with its settings: plain data. */
export interface Moment extends Shown {
  /** This tab's number. */
  readonly tab: number
  /** Whether this tab sends at a rate. */
  readonly isFlowing: boolean
  readonly workMs: number
  readonly membership: 'dynamic' | 'static'
  /** Whether the second group runs in this tab. */
  readonly isSecondOn: boolean
  readonly isOnline: boolean
  /** Another object each time that a record is picked. */
  readonly picked: object | undefined
}
