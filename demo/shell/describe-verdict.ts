/** The checker's result in words. Pure. */
import { formatCount, formatQuantity } from '../format.js'
import type { Verdict } from '../ledger/checker.js'
import { faultsIn, type ExplainedFinding } from '../ledger/ledger-count.js'

const PLACES_MAX = 3

/** What is looked at of a verdict. */
type Found = Pick<Verdict, 'counts' | 'findings'>

/** `repeated`: nothing is wrong, but a tab has crashed and something had to be handled again. */
export type VerdictKind = 'none' | 'good' | 'repeated' | 'red'

export function kindOfVerdict({ counts }: Found): VerdictKind {
  if (faultsIn(counts) > 0) return 'red'
  if (counts.afterCrash + counts.afterBroker > 0) return 'repeated'
  return counts.sent === 0 ? 'none' : 'good'
}

export function describeVerdict(verdict: Found): string {
  switch (kindOfVerdict(verdict)) {
    case 'none':
      return 'Nothing sent yet.'
    case 'good':
      return describeGood(verdict)
    case 'repeated':
      return `${describeRepeats(verdict)} ${describeGood(verdict)}`
    case 'red':
      return [describeFaults(verdict), describeRepeats(verdict)].filter(Boolean).join(' ')
  }
}

function describeGood({ counts }: Found): string {
  const hasRepeats = counts.afterCrash + counts.afterBroker > 0
  const unconfirmed =
    counts.unconfirmed === 0
      ? ''
      : ` ${formatQuantity(counts.unconfirmed, 'message was', 'messages were')} handled before the sender heard back.`
  if (counts.waiting > 0) return `All ${hasRepeats ? 'else ' : ''}in order so far.${unconfirmed}`
  const all = hasRepeats
    ? 'All else was handled once, in order'
    : 'Each message was handled once, and in order'
  const passed =
    counts.passed === 0
      ? ''
      : ` ${formatQuantity(counts.passed, 'message was', 'messages were')} passed over by a reset.`
  return `${all}.${passed}${unconfirmed}`
}

function describeFaults({ findings }: Found): string {
  const faults = findings.filter(
    ({ crashedTab, brokerDied }) => crashedTab === undefined && !brokerDied,
  )
  const named = faults.slice(0, PLACES_MAX).map(describeFault)
  const more = faults.length - named.length
  if (more > 0) named.push(`And at ${formatQuantity(more, 'more place')}.`)
  return named.join(' ')
}

function describeFault(finding: ExplainedFinding): string {
  const { what, tab } = finding
  const place = describePlace(finding)
  const who = tab === undefined ? '' : `, by Tab ${tab}`
  switch (what) {
    case 'lost':
      return `Lost: ${place}.`
    case 'twice':
      return `Handled again: ${place}${who}.`
    case 'out of order':
      return `Out of order: ${place}${who}.`
    case 'mixed up':
      return `Another message than the one that was sent: ${place}.`
  }
}

/** What a crashed tab could not commit, and what that led to; empty where nothing. */
function describeRepeats(verdict: Found): string {
  return [describeCrash(verdict), describeBroker(verdict)].filter(Boolean).join(' ')
}

function describeBroker({ counts: { afterBroker } }: Found): string {
  if (afterBroker === 0) return ''
  const what = formatQuantity(afterBroker, 'message')
  return `The broker died before ${what} could be committed: ${afterBroker === 1 ? 'it' : 'they'} came again, as at-least-once delivery allows.`
}

function describeCrash({ counts, findings }: Found): string {
  if (counts.afterCrash === 0) return ''
  const repeats = findings.filter(({ crashedTab }) => crashedTab !== undefined)
  const tabs = [...new Set(repeats.map(({ crashedTab }) => crashedTab))]
  const isOne = tabs.length === 1
  const who = isOne ? `Tab ${tabs.join('')}` : 'Tabs'
  const last =
    counts.afterCrash === 1 ? 'last message' : `last ${formatCount(counts.afterCrash)} messages`
  return `${who} crashed before ${isOne ? 'it' : 'they'} could commit: ${isOne ? 'its' : 'their'} ${last} came again, as at-least-once delivery allows.`
}

function describePlace({ partition, firstOffset, lastOffset }: ExplainedFinding): string {
  if (firstOffset === lastOffset)
    return `partition ${partition}, offset ${formatCount(firstOffset)}`
  const count = formatQuantity(lastOffset - firstOffset + 1, 'message')
  return `partition ${partition}, offsets ${formatCount(firstOffset)}–${formatCount(lastOffset)} (${count})`
}
