/** How much is done: of all that is shown, and of a quick look. */
export interface Scale {
  readonly rounds: number
  /** Sends of 1,000 messages in a round, and of the peers, which take longer for each. */
  readonly sends: number
  readonly peerSends: number
  /** Sends of one message that nobody waits for. */
  readonly singles: number
  readonly peerSingles: number
  /** And of a queue that takes a millisecond and more for each. */
  readonly queued: number
  /** That a share group works through. */
  readonly queueJobs: number
  readonly latencies: number
  /** How long a log is drained. */
  readonly drained: number
  readonly drainedByPeer: number
  readonly through: number
  readonly rebalances: number
  readonly idleMs: number
  /** How long the browser may take to come to rest before that. */
  readonly settleMsMax: number
}

export const FULL: Scale = {
  rounds: 5,
  sends: 60,
  peerSends: 15,
  singles: 10_000,
  peerSingles: 10_000,
  queued: 1_000,
  queueJobs: 200_000,
  latencies: 300,
  drained: 1_000_000,
  drainedByPeer: 200_000,
  through: 5_000_000,
  rebalances: 20,
  idleMs: 10_000,
  settleMsMax: 30_000,
}

export const QUICK: Scale = {
  rounds: 1,
  sends: 30,
  peerSends: 4,
  singles: 10_000,
  peerSingles: 2_000,
  queued: 200,
  queueJobs: 50_000,
  latencies: 60,
  drained: 100_000,
  drainedByPeer: 10_000,
  through: 200_000,
  rebalances: 3,
  idleMs: 2_000,
  settleMsMax: 1_000,
}
