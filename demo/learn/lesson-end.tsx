/** After the last step: back to the list, or on to the next scenario. */
import type { Scenario } from './scenario.js'

export interface LessonEndProps {
  readonly isDone: boolean
  readonly next: Scenario | undefined
  /** With the scenario that is to be played next, if one is. */
  readonly onFinish: (next: Scenario | undefined) => void
}

export function LessonEnd({ isDone, next, onFinish }: LessonEndProps) {
  const primary = isDone ? 'primary' : ''
  return (
    <span class="buttons">
      <button
        type="button"
        class={next === undefined ? primary : ''}
        disabled={!isDone}
        onClick={() => onFinish(undefined)}
      >
        Finish
      </button>
      {next !== undefined && (
        <button type="button" class={primary} disabled={!isDone} onClick={() => onFinish(next)}>
          Next: {next.title}
        </button>
      )}
    </span>
  )
}
