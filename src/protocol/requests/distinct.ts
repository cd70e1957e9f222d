/** Lists in which nothing comes twice. */

/** Asked for twice, it is answered once: a short request could ask for an answer without end. */
export function distinct<T>(items: T[]): T[] {
  return [...new Set(items)]
}
