/** A scenario, step by step: it goes on when the real state shows what the step is about. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { useParts } from '../app/parts.js'
import { formatRoute } from '../app/route.js'
import { useCell } from '../app/use-cell.js'
import { LessonEnd } from './lesson-end.js'
import { bringIntoSight, elementOf, pointAt, ReaderScrolls } from './panels.js'
import { Played } from './played.js'
import { SCENARIOS } from './scenarios.js'
import type { Scenario } from './scenario.js'
import { StepBody } from './step-body.js'

/** Wide enough for the lesson to stay in sight beside the stage, as the stylesheet has it. */
const BESIDE = '(min-width: 64rem)'

export function Lesson({ scenario, number }: { scenario: Scenario; number: number }) {
  const parts = useParts()
  const { router, progress, putBack } = parts
  const count = scenario.steps.length
  const current = Math.min(number, count)
  const step = scenario.steps[current - 1]
  const card = useRef<HTMLElement>(null)
  const title = useRef<HTMLHeadingElement>(null)
  const isFirst = useRef(true)
  const played = useMemo(() => new Played(), [scenario])
  const scrolls = useMemo(() => new ReaderScrolls(), [])
  useEffect(() => () => scrolls.close(), [scrolls])
  useEffect(() => {
    putBack.enter(parts, played)
    return () => putBack.leave(parts, scenario)
  }, [parts, scenario, played])
  const isEntered = useCell(putBack.entered) === played
  // An address may be an old one, or mistyped.
  useEffect(() => router.correct({ face: 'learn', scenario: scenario.id, step: current }))
  useEffect(() => (step === undefined ? undefined : pointAt(step.shows)), [step])
  useEffect(() => {
    // Who comes by the address reads on from the top; who goes on, from the step.
    if (isFirst.current) {
      isFirst.current = false
      return
    }
    const isBeside = matchMedia(BESIDE).matches
    title.current?.focus({ preventScroll: isBeside })
    const [first] = step?.shows ?? []
    const panel = first === undefined ? undefined : elementOf(first)
    if (isBeside && panel !== undefined && !scrolls.isNow) bringIntoSight(panel)
  }, [current])
  if (step === undefined) return null
  const go = (to: number) => router.replace({ face: 'learn', scenario: scenario.id, step: to })
  const next = SCENARIOS[SCENARIOS.indexOf(scenario) + 1]
  const finish = (to: Scenario | undefined) => {
    progress.finish(scenario.id)
    router.replace({ face: 'learn', scenario: to?.id, step: 1 })
  }
  const goToTitle = () => {
    title.current?.focus({ preventScroll: true })
    if (card.current !== null) bringIntoSight(card.current)
  }
  return (
    <>
      <section ref={card} class="lesson" aria-labelledby="lesson-title">
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
          played={played}
          isEntered={isEntered}
          onLost={goToTitle}
        >
          {(isDone) => (
            <div class="buttons lesson-nav">
              <button type="button" disabled={current === 1} onClick={() => go(current - 1)}>
                Back
              </button>
              {current < count ? (
                <button
                  type="button"
                  class={isDone ? 'primary' : ''}
                  disabled={!isDone}
                  onClick={() => go(current + 1)}
                >
                  Next step
                </button>
              ) : (
                <LessonEnd isDone={isDone} next={next} onFinish={finish} />
              )}
            </div>
          )}
        </StepBody>
      </section>
      <BackToLesson card={card} onClick={goToTitle} />
    </>
  )
}

/** On a narrow page the lesson is far from what it points at. */
function BackToLesson(props: {
  card: { readonly current: HTMLElement | null }
  onClick: () => void
}) {
  const { card, onClick } = props
  const [isAway, setAway] = useState(false)
  useEffect(() => {
    if (card.current === null) return undefined
    const observer = new IntersectionObserver((entries) => {
      setAway(entries.at(-1)?.isIntersecting === false)
    })
    observer.observe(card.current)
    return () => observer.disconnect()
  }, [])
  if (!isAway) return null
  return (
    <button type="button" class="primary back-to-lesson" onClick={onClick}>
      Back to the lesson
    </button>
  )
}
