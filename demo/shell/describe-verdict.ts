/** The checker's result in words. Pure. */
import { formatCount, formatQuantity } from '../format.js'
import type { Verdict } from '../ledger/checker.js'
import { faultsIn, repeatsExplained, type ExplainedFinding } from '../ledger/ledger-count.js'

const PLACES_MAX = 3

/** What is looked at of a verdict. */
type Found = Pick<Verdict, 'counts' | 'findings'>

/** `explained`: no fault, but something came again, overtook, or was deleted, for a reason that is said. */
export type VerdictKind = 'none' | 'good' | 'explained' | 'red'

export function kindOfVerdict({ counts }: Found): VerdictKind {
  if (faultsIn(counts) > 0) return 'red'
  if (isExplained(counts)) return 'explained'
  return counts.sent === 0 ? 'none' : 'good'
}

export function describeVerdict(verdict: Found): string {
  switch (kindOfVerdict(verdict)) {
    case 'none':
      return 'Nothing sent yet.'
    case 'good':
      return describeGood(verdict)
    case 'explained':
      return `${describeExplained(verdict)} ${describeGood(verdict)}`
    case 'red':
      return [describeFaults(verdict), describeExplained(verdict)].filter(Boolean).join(' ')
  }
}

function isExplained(counts: Verdict['counts']): boolean {
  return repeatsExplained(counts) + counts.afterGrowth + counts.expired > 0
}

function describeGood({ counts }: Found): string {
  const hasElse = isExplained(counts)
  const unconfirmed =
    counts.unconfirmed === 0
      ? ''
      : ` ${formatQuantity(counts.unconfirmed, 'message was', 'messages were')} handled before the sender heard back.`
  const foreign =
    counts.foreign === 0
      ? ''
      : ` ${formatQuantity(counts.foreign, 'message more was', 'messages more were')} sent by others than these tabs.`
  if (counts.waiting > 0)
    return `All ${hasElse ? 'else ' : ''}in order so far.${unconfirmed}${foreign}`
  const all = hasElse
    ? 'All else was handled once, in order'
    : 'Each message was handled once, and in order'
  const passed =
    counts.passed === 0
      ? ''
      : ` ${formatQuantity(counts.passed, 'message was', 'messages were')} passed over by a reset.`
  return `${all}.${passed}${unconfirmed}${foreign}`
}

function describeFaults({ findings }: Found): string {
  const faults = findings.filter(
    ({ what, crashedTab, brokerDied, wasSetBack }) =>
      crashedTab === undefined && !brokerDied && !wasSetBack && what !== 'overtaken',
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
    case 'overtaken':
      return `Overtaken: ${place}${who}.`
    case 'mixed up':
      return `Another message than the one that was sent: ${place}.`
  }
}

/** What is as it has to be, though a counter is not 0; empty where nothing. */
function describeExplained(verdict: Found): string {
  const all = [
    describeCrash(verdict),
    describeBroker(verdict),
    describeSetBack(verdict),
    describeExpired(verdict),
    describeGrowth(verdict),
  ]
  return all.filter(Boolean).join(' ')
}

function describeSetBack({ counts: { afterSetBack } }: Found): string {
  if (afterSetBack === 0) return ''
  const what = formatQuantity(afterSetBack, 'message')
  return `The group was set back from elsewhere: ${what} came again.`
}

function describeExpired({ counts: { expired } }: Found): string {
  if (expired === 0) return ''
  const what = formatQuantity(expired, 'message was', 'messages were')
  return `${what} deleted before anybody had handled ${expired === 1 ? 'it' : 'them'}, by retention or by hand.`
}

function describeGrowth({ counts: { afterGrowth } }: Found): string {
  if (afterGrowth === 0) return ''
  const what = formatQuantity(afterGrowth, 'message was', 'messages were')
  return `Added partitions moved keys: ${what} handled after younger ones of the same key, which had gone to another partition. Kafka does so too.`
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
