/** Faults of one kind: what there is to do wrong, and how it is put right when healing begins. */
import type { Prng } from '../../../src/std/prng.js'
import type { FaultName } from '../options.js'
import type { Process } from '../scheduler.js'
import type { World } from '../world.js'

export interface FaultSource {
  /** Each returns whether there was something that it could befall. */
  readonly acts: Readonly<Partial<Record<FaultName, () => boolean>>>
  /** Ends what lasts. */
  heal(): void
}

export interface FaultParts {
  readonly world: World
  /** For what happens later: it dies with nobody. */
  readonly chaos: Process
  readonly prng: Prng
}
