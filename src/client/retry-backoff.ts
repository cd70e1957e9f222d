/** How long to wait before the next attempt: doubling, up to a limit, with jitter. */
export interface BackoffOptions {
  readonly firstMs: number
  readonly maxMs: number
  /** A float in [0, 1). */
  readonly random: () => number
}

/** The wait before attempt `attempt`, the first retry being 1: half of it fixed, half by chance. */
export function backoffMs(attempt: number, { firstMs, maxMs, random }: BackoffOptions): number {
  const fullMs = Math.min(maxMs, firstMs * 2 ** Math.min(attempt - 1, 30))
  return fullMs / 2 + (fullMs / 2) * random()
}
