/**
 * Every checker that needs nothing but the history, in the order in which they hear of an event: first
 * what several of them look things up in. What was recorded in a real browser goes through the same.
 */
import type { History } from '../history.js'
import { AbortedReadChecker } from './aborted-read-checker.js'
import { CallChecker } from './call-checker.js'
import { CommitRegressionChecker } from './commit-regression-checker.js'
import { DuplicateChecker } from './duplicate-checker.js'
import { DedupChecker } from './dedup-checker.js'
import { DurabilityChecker } from './durability-checker.js'
import { GroupProgress } from './group-progress.js'
import { InconsistentOffsetsChecker } from './inconsistent-offsets-checker.js'
import { LostWriteChecker } from './lost-write-checker.js'
import { NonMonotonicPollChecker } from './non-monotonic-poll-checker.js'
import { PollSkipChecker } from './poll-skip-checker.js'
import { ProducerOrderChecker } from './producer-order-checker.js'
import { RetentionChecker } from './retention-checker.js'
import { RoutingChecker } from './routing-checker.js'
import { SentMessages } from './sent-messages.js'
import { Stints } from './stints.js'
import { StoreProgressChecker } from './store-progress-checker.js'
import { TwoOwnersChecker } from './two-owners-checker.js'
import { UnhandledCommitChecker } from './unhandled-commit-checker.js'
import { UnseenChecker } from './unseen-checker.js'

export interface CheckedGroup {
  readonly groupId: string
  readonly fromBeginning: boolean
  /** A message whose changes could not be committed comes again though its handler has returned. */
  readonly counts?: boolean
}

export interface CheckersOptions {
  readonly groups: readonly CheckedGroup[]
  /** What they read; all when undefined. */
  readonly topics?: ReadonlySet<string>
  /** For how long a member that hears everything may not know that it was fenced. */
  readonly unawareMsMax: number
}

/** Returns the checker of calls, which knows what is pending. */
export function addCheckers(history: History, options: CheckersOptions): CallChecker {
  const { groups, topics, unawareMsMax } = options
  const groupIds = groups.map(({ groupId }) => groupId)
  const counting = new Set(groups.filter(({ counts }) => counts).map(({ groupId }) => groupId))
  const fromLatest = groups.filter(({ fromBeginning }) => !fromBeginning)
  const sends = history.listen(() => new SentMessages())
  const stints = history.listen(({ log }) => new Stints(log))
  const progress = history.listen(
    ({ log }) =>
      new GroupProgress(
        log,
        fromLatest.map(({ groupId }) => groupId),
      ),
  )
  history.add('lost-write', (parts) => new LostWriteChecker(parts, sends))
  history.add('duplicate', (parts) => new DuplicateChecker(parts, sends))
  history.add('routing', (parts) => new RoutingChecker(parts))
  history.add('dedup', (parts) => new DedupChecker(parts, sends))
  history.add('inconsistent-offsets', (parts) => new InconsistentOffsetsChecker(parts, sends))
  history.add('producer-order', (parts) => new ProducerOrderChecker(parts, sends))
  history.add('durability', (parts) => new DurabilityChecker(parts, sends))
  history.add('retention', (parts) => new RetentionChecker(parts))
  history.add('aborted-read', (parts) => new AbortedReadChecker(parts))
  history.add(
    'non-monotonic-poll',
    (parts) => new NonMonotonicPollChecker(parts, { stints, counting }),
  )
  history.add('poll-skip', (parts) => new PollSkipChecker(parts, { progress, stints }))
  history.add(
    'unseen-at-the-end',
    (parts) => new UnseenChecker(parts, { progress, groupIds, topics }),
  )
  history.add('commit-regression', (parts) => new CommitRegressionChecker(parts))
  history.add('unhandled-commit', (parts) => new UnhandledCommitChecker(parts, progress))
  history.add('store-progress', (parts) => new StoreProgressChecker(parts))
  history.add('two-owners', (parts) => new TwoOwnersChecker(parts, { unawareMsMax }))
  return history.add('calls', (parts) => new CallChecker(parts))
}
