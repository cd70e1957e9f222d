/** The checker's result in words. Pure. */
import { formatCount, formatQuantity } from '../format.js'
import type { Verdict } from '../ledger/checker.js'
import type { Finding } from '../ledger/ledger-count.js'

export function isFaulty({ counts }: Verdict): boolean {
  return counts.lost + counts.twice + counts.outOfOrder + counts.mixedUp > 0
}

export function describeVerdict(verdict: Verdict): string {
  const { counts, findings } = verdict
  if (isFaulty(verdict)) return findings.map(describeFinding).join(' ')
  if (counts.sent === 0) return 'Nothing sent yet.'
  const unconfirmed =
    counts.unconfirmed === 0
      ? ''
      : ` ${formatQuantity(counts.unconfirmed, 'message was', 'messages were')} handled before the sender heard back.`
  if (counts.waiting > 0) return `All in order so far.${unconfirmed}`
  return `Each message was handled once, and in order.${unconfirmed}`
}

function describeFinding({ what, partition, offset, tab }: Finding): string {
  const place = `partition ${partition}, offset ${formatCount(offset)}`
  const who = tab === undefined ? '' : ` by Tab ${tab}`
  switch (what) {
    case 'lost':
      return `Lost: ${place}.`
    case 'twice':
      return `Handled twice: ${place}, again${who}.`
    case 'out of order':
      return `Out of order: ${place}${who}.`
    case 'mixed up':
      return `Another message than the one that was sent: ${place}.`
  }
}
