/** A scenario, step by step: it goes on when the real state shows what the step is about. */
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Shown } from '../app/demo.js'
import { useParts } from '../app/parts.js'
import { formatRoute } from '../app/route.js'
import { useCell } from '../app/use-cell.js'
import type { Scenario, Step } from './scenario.js'

export function Lesson({ scenario, number }: { scenario: Scenario; number: number }) {
  const { router, progress } = useParts()
  const count = scenario.steps.length
  const current = Math.min(number, count)
  const step = scenario.steps[current - 1]
  const title = useRef<HTMLHeadingElement>(null)
  const isFirst = useRef(true)
  useEffect(() => {
    // Who comes by the address reads on from the top; who goes on, from the step.
    if (isFirst.current) isFirst.current = false
    else title.current?.focus()
  }, [current])
  if (step === undefined) return null
  const go = (to: number) => router.replace({ face: 'learn', scenario: scenario.id, step: to })
  return (
    <section class="lesson" aria-labelledby="lesson-title">
      <div class="lesson-head">
        <p class="lesson-of">
          {scenario.title}
          <span class="hint">
            {' '}
            step {current} of {count}
          </span>
        </p>
        <a class="hint" href={formatRoute({ face: 'learn', scenario: undefined, step: 1 })}>
          all scenarios
        </a>
      </div>
      <progress max={count} value={current} aria-label="How far in the scenario" />
      <h2 id="lesson-title" ref={title} tabIndex={-1}>
        {step.title}
      </h2>
      <StepBody
        key={`${scenario.id} ${current}`}
        step={step}
        hasPrevious={current > 1}
        isLast={current === count}
        onBack={() => go(current - 1)}
        onNext={() => {
          if (current < count) return go(current + 1)
          progress.finish(scenario.id)
          router.replace({ face: 'learn', scenario: undefined, step: 1 })
        }}
      />
    </section>
  )
}

interface StepBodyProps {
  readonly step: Step
  readonly hasPrevious: boolean
  readonly isLast: boolean
  readonly onBack: () => void
  readonly onNext: () => void
}

function StepBody({ step, hasPrevious, isLast, onBack, onNext }: StepBodyProps) {
  const parts = useParts()
  const { demo } = parts
  const now = useCell(demo.shown)
  const since = useSince(now)
  const isMet = since !== undefined && step.isDone({ demo, now, since })
  // What has happened has happened: a step does not become undone.
  const [wasMet, setMet] = useState(false)
  useEffect(() => {
    if (isMet) setMet(true)
  }, [isMet])
  const isDone = wasMet || isMet
  return (
    <>
      {step.text.map((text) => (
        <p key={text} class="lesson-text">
          <Marked text={text} />
        </p>
      ))}
      {step.actions !== undefined && (
        <div class="buttons">
          {step.actions.map(({ label, run }) => (
            <button
              key={label}
              type="button"
              class={isDone ? '' : 'primary'}
              onClick={() => void run(parts)}
            >
              {label}
            </button>
          ))}
        </div>
      )}
      <p class="lesson-state" role="status" data-done={isDone ? '' : undefined}>
        <span aria-hidden="true">{isDone ? '✓' : '…'}</span>{' '}
        <span>
          <Marked text={isDone ? step.done : step.waitingFor} />
        </span>
      </p>
      <div class="buttons lesson-nav">
        <button type="button" disabled={!hasPrevious} onClick={onBack}>
          Back
        </button>
        <button type="button" class={isDone ? 'primary' : ''} disabled={!isDone} onClick={onNext}>
          {isLast ? 'Finish' : 'Next step'}
        </button>
      </div>
    </>
  )
}

/** How it was when the step began: the first state that is known then. */
function useSince(now: Shown): Shown | undefined {
  const since = useRef<Shown | undefined>(undefined)
  if (since.current === undefined && now.view !== undefined && now.verdict !== undefined) {
    since.current = now
  }
  return since.current
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
