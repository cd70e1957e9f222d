/**
 * Faults of the workload itself, to plant on purpose: `npm run chaos -- --plant NAME`. Each makes the
 * tabs do, or the runner believe, what a broken broker would lead to, so that a run with it has to
 * end with an anomaly.
 */
export const PLANTS = {
  /** The runner does not find the first batch of a partition in the log. */
  lostBatch: 'lost-write',
  /** Some sends are made twice, as if the broker had not recognised the repeat. */
  doubleSend: 'duplicate',
  /** Handlers are silent about some messages, as if they had never been called. */
  skippedMessage: 'poll-skip',
  /** The group that commits by hand sometimes commits an old offset. */
  backwardCommit: 'commit-regression',
  /** Each consumer of a group reads all partitions. */
  everybodyOwns: 'ownership',
  /** Some jobs are accepted, and nobody has done them. */
  skippedJob: 'jobs',
  /** Some messages are counted twice, as if one had been without the other. */
  countedTwice: 'stores',
  /** Some requests get the answer to another. */
  wrongAnswer: 'answers',
  /** Some calls never settle. */
  hangingCall: 'calls',
} as const satisfies Record<string, string>

export type PlantName = keyof typeof PLANTS
