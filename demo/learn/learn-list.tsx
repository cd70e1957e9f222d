/** The scenarios that there are. */
import { useEffect } from 'preact/hooks'
import { formatRoute, type Route } from '../app/route.js'
import { useParts } from '../app/parts.js'
import { useCell } from '../app/use-cell.js'
import { formatQuantity } from '../format.js'
import { SCENARIOS } from './scenarios.js'

const HERE: Route = { face: 'learn', scenario: undefined, step: 1 }

export function LearnList() {
  const { progress, router } = useParts()
  const finished = useCell(progress.cell).split(' ')
  // The address of a scenario that there is not leads here.
  useEffect(() => router.correct(HERE))
  return (
    <section class="learn-list" aria-labelledby="learn-title">
      <h2 id="learn-title">See it happen, two minutes each</h2>
      <p class="hint">
        Each scenario is played with the real thing: your tabs, your broker. It goes on when what it
        is about has really happened. When you leave one, its settings are put back.
      </p>
      <ol class="cards">
        {SCENARIOS.map(({ id, title, summary, steps }) => (
          <li key={id}>
            <a class="card" href={formatRoute({ face: 'learn', scenario: id, step: 1 })}>
              <h3>{title}</h3>
              <p>{summary}</p>
              <p class="hint">
                {formatQuantity(steps.length, 'step')}
                {finished.includes(id) && <span class="finished"> · ✓ done</span>}
              </p>
            </a>
          </li>
        ))}
      </ol>
    </section>
  )
}
