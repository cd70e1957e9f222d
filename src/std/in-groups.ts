/** Work of which only so much may be under way at once: reads of a disk, for instance. */

/** Maps the items in order, a group of them at a time. What rejects ends it. */
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
