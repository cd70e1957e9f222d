/** What a step says and asks for: its text, what it lacks, its buttons, and how far it is. */
import type { ComponentChildren } from 'preact'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import { useParts } from '../app/parts.js'
import { formatCount } from '../format.js'
import { goTo, PANELS } from './panels.js'
import type { Played } from './played.js'
import type { Need, Step, StepFact } from './scenario.js'
import { isKnown, StepWatch } from './step-watch.js'
import { useMoment } from './use-moment.js'

export interface StepBodyProps {
  readonly step: Step
  readonly played: Played
  /** Whether what a lesson before it has set is put back: none of its steps begins sooner. */
  readonly isEntered: boolean
  /** The button that had the focus is gone. */
  readonly onLost: () => void
  /** What follows, once it is known whether the step is done. */
  readonly children: (isDone: boolean) => ComponentChildren
}

export function StepBody({ step, played, isEntered, onLost, children }: StepBodyProps) {
  const parts = useParts()
  const now = useMoment(parts.demo)
  const watch = useMemo(() => {
    return new StepWatch(step, { isDone: played.done.has(step.title) })
  }, [step, played])
  if (isEntered && isKnown(now)) played.begun ??= now
  const { hasBegun, isDone, missing } = watch.look(now, played.begun, performance.now())
  useEffect(() => {
    if (isDone) played.done.add(step.title)
  }, [isDone])
  return (
    <>
      {step.text.map((text) => (
        <p key={text} class="lesson-text">
          <Marked text={text} />
        </p>
      ))}
      <p class="lesson-shows">
        <span class="hint">Show me:</span>
        {step.shows.map((name) => (
          <button key={name} type="button" class="link" onClick={() => goTo(name)}>
            {PANELS[name].title}
          </button>
        ))}
      </p>
      <Missing need={missing} onLost={onLost} />
      {step.actions !== undefined && (
        <div class="buttons lesson-actions">
          {step.actions.map(({ label, run }) => (
            <button
              key={label}
              type="button"
              class={isDone || missing !== undefined ? '' : 'primary'}
              disabled={!hasBegun}
              onClick={() => void run(parts)}
            >
              {label}
            </button>
          ))}
        </div>
      )}
      {step.facts !== undefined && <StepFacts facts={step.facts(now)} />}
      <p
        class="lesson-state"
        role="status"
        data-begun={hasBegun ? '' : undefined}
        data-done={isDone ? '' : undefined}
      >
        <span aria-hidden="true">{isDone ? '✓' : '…'}</span>{' '}
        <span>
          <Marked text={isDone ? step.done : step.waitingFor} />
        </span>
      </p>
      {children(isDone)}
    </>
  )
}

function Missing({ need, onLost }: { need: Need | undefined; onLost: () => void }) {
  const parts = useParts()
  const wasPressed = useRef(false)
  useEffect(() => {
    const hasLostFocus = wasPressed.current && document.activeElement === document.body
    wasPressed.current = false
    if (hasLostFocus) onLost()
  }, [need])
  if (need === undefined) return null
  const { missing, action } = need
  return (
    <div class="lesson-missing" role="group" aria-label="What is missing">
      <p>{missing}</p>
      <button
        key={action.label}
        type="button"
        class="primary"
        onClick={() => {
          wasPressed.current = true
          void action.run(parts)
        }}
      >
        {action.label}
      </button>
    </div>
  )
}

function StepFacts({ facts }: { facts: readonly StepFact[] }) {
  return (
    <dl class="lesson-facts">
      {facts.map(({ name, value }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd data-fact={name}>{formatCount(value)}</dd>
        </div>
      ))}
    </dl>
  )
}

/** `*emphasis*` and `` `code` ``. */
function Marked({ text }: { text: string }) {
  return (
    <>
      {text.split(/(\*[^*]+\*|`[^`]+`)/).map((part, index) => {
        if (part.startsWith('*') && part.length > 2) return <em key={index}>{part.slice(1, -1)}</em>
        if (part.startsWith('`')) return <code key={index}>{part.slice(1, -1)}</code>
        return part
      })}
    </>
  )
}
