/**
 * One run of the whole system under one seed: the real broker and the real client library in several
 * simulated tabs. The same seed and options give the same run, event by event.
 */
import type { Violation } from './history.js'
import { drawOptions, type SimOptions } from './options.js'
import { World, type WorldStats } from './world.js'

export interface SimResult {
  readonly seed: number
  readonly options: SimOptions
  readonly traceHash: string
  /** The last lines, or all of them with `keepsTrace`. */
  readonly trace: readonly string[]
  readonly violations: readonly Violation[]
  readonly stats: WorldStats
}

export interface SimulateOptions {
  /** Replaces what the seed draws. */
  readonly overrides?: Partial<SimOptions>
  readonly keepsTrace?: boolean
  /** Only these are heard: to show that each finds by itself what it is there for. */
  readonly checkers?: readonly string[]
}

export async function simulate(
  seed: number,
  { overrides = {}, keepsTrace = false, checkers }: SimulateOptions = {},
): Promise<SimResult> {
  const options = { ...drawOptions(seed), ...overrides }
  const world = new World(seed, options, { keepsTrace, checkers })
  // What nobody catches is a bug of the library's, and belongs to this seed.
  const onUncaught = (error: unknown) => {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
    world.history.violations.push({ checker: 'uncaught', atMs: 0, message })
  }
  process.on('unhandledRejection', onUncaught)
  process.on('uncaughtException', onUncaught)
  try {
    await world.run()
  } catch (error) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
    world.history.violations.push({ checker: 'world', atMs: 0, message })
  } finally {
    process.off('unhandledRejection', onUncaught)
    process.off('uncaughtException', onUncaught)
  }
  return {
    seed,
    options,
    traceHash: world.trace.hash,
    trace: world.trace.lines,
    violations: world.history.violations,
    stats: world.stats(),
  }
}

/** All that is needed to look into a failure: seed, options, what is wrong, and what led to it. */
export function describeFailure(result: SimResult, lines = 60): string {
  const { seed, options, violations, trace } = result
  return [
    `seed ${seed} failed`,
    ...violations.map(({ checker, atMs, message }) => `  ${checker} at ${atMs} ms: ${message}`),
    `options: ${JSON.stringify(options)}`,
    'trace:',
    ...trace.slice(-lines).map((line) => `  ${line}`),
  ].join('\n')
}
