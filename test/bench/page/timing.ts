/** What every contender is timed with, in its page. */

/** How many a second, of `count` done by `work`. */
export async function rate(count: number, work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now()
  await work()
  return (count / (performance.now() - startMs)) * 1_000
}

/** How long each of `count` calls takes, one after the other, in milliseconds. */
export async function latencies(count: number, call: () => Promise<unknown>): Promise<number[]> {
  const tookMs: number[] = []
  for (let done = 0; done < count; done++) {
    const startMs = performance.now()
    await call()
    tookMs.push(performance.now() - startMs)
  }
  return tookMs
}

/** Calls for each number below `count`, with at most `underWay` not yet answered. */
export async function forEach(
  count: number,
  underWay: number,
  call: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0
  const line = async () => {
    while (next < count) await call(next++)
  }
  await Promise.all(Array.from({ length: underWay }, line))
}
