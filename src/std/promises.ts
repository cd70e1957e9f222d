/** Waiting for several things at once. */

/**
 * Like `Promise.all`, but when one rejects, the others have settled by the time that this does: nothing
 * is still under way that the caller was told has failed.
 */
export async function allEnded<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  try {
    return await Promise.all(promises)
  } catch (error) {
    await Promise.allSettled(promises)
    throw error
  }
}

/**
 * Maps the items in order, a group of them at a time, for work of which only so much may be under way:
 * reads of a disk, for instance. What rejects ends it.
 */
export async function mapInGroups<T, R>(
  items: readonly T[],
  groupSize: number,
  map: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  for (let start = 0; start < items.length; start += groupSize) {
    const group = items.slice(start, start + groupSize)
    results.push(...(await Promise.all(group.map(map))))
  }
  return results
}
