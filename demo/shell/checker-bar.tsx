/**
 * The checker's counters, always in sight: red as soon as one that should be 0 is not. What a crash
 * explains is counted too, but is not red.
 */
import { useContext } from 'preact/hooks'
import { Cell } from '../app/cell.js'
import type { Shown } from '../app/demo.js'
import { PartsContext } from '../app/parts.js'
import { useSelected } from '../app/use-cell.js'
import { formatCount } from '../format.js'
import type { Verdict } from '../ledger/checker.js'
import { repeatsExplained, type Counts } from '../ledger/ledger-count.js'
import { describeVerdict, kindOfVerdict, type VerdictKind } from './describe-verdict.js'

const COUNTERS: readonly { name: keyof Counts; text: string; isFault: boolean }[] = [
  { name: 'sent', text: 'sent', isFault: false },
  { name: 'handled', text: 'handled', isFault: false },
  { name: 'waiting', text: 'waiting', isFault: false },
  { name: 'lost', text: 'lost', isFault: true },
  { name: 'twice', text: 'handled twice', isFault: true },
  { name: 'outOfOrder', text: 'out of order', isFault: true },
]

const SIGNS: Readonly<Record<VerdictKind, string>> = {
  none: '–',
  good: '✓',
  explained: '↻',
  red: '✗',
}

const nothing = new Cell<Pick<Shown, 'verdict'>>({ verdict: undefined })

export function CheckerBar() {
  const shown: Cell<Pick<Shown, 'verdict'>> = useContext(PartsContext)?.demo.shown ?? nothing
  const verdict = useSelected(shown, (one) => one.verdict)
  const kind = verdict === undefined ? 'none' : kindOfVerdict(verdict)
  const text = verdict === undefined ? 'Looking into the ledger …' : describeVerdict(verdict)
  return (
    <section
      id="checker"
      class="checker"
      aria-labelledby="checker-title"
      data-verdict={verdict === undefined ? undefined : kind}
    >
      <h2 id="checker-title" class="checker-title">
        <span class="sign" aria-hidden="true">
          {SIGNS[kind]}
        </span>
        Checker
      </h2>
      <dl class="counters">
        {COUNTERS.map((counter) => (
          <Counter key={counter.name} {...counter} verdict={verdict} />
        ))}
      </dl>
      <p id="verdict" class="verdict" role="status" title={text}>
        {text}
      </p>
    </section>
  )
}

/** How much of a counter has a reason that is no fault of the broker's. */
function explainedOf(name: keyof Counts, counts: Counts | undefined): number {
  if (counts === undefined) return 0
  if (name === 'twice') return repeatsExplained(counts)
  return name === 'outOfOrder' ? counts.afterGrowth : 0
}

function Counter(props: {
  name: keyof Counts
  text: string
  isFault: boolean
  verdict: Verdict | undefined
}) {
  const { name, text, isFault, verdict } = props
  const value = verdict?.counts[name] ?? 0
  const isExplained = value > 0 && value === explainedOf(name, verdict?.counts)
  return (
    <div
      data-counter={name}
      data-value={verdict === undefined ? undefined : value}
      data-fault={isFault ? '' : undefined}
      data-explained={isExplained ? '' : undefined}
    >
      <dt>{text}</dt>
      <dd>{formatCount(value)}</dd>
    </div>
  )
}
