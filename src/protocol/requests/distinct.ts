/** Lists in which nothing comes twice. */
import { TabmqError } from '../errors.js'
import { describe } from '../names.js'

/** Asked for twice, it is answered once: a short request could ask for an answer without end. */
export function distinct<T>(items: T[]): T[] {
  return [...new Set(items)]
}

/** @throws TabmqError INVALID_REQUEST, with the one that is named twice as the detail `field` */
export function checkNamedOnce(
  names: readonly (string | number)[],
  what: string,
  field: string,
): void {
  const seen = new Set<string | number>()
  for (const name of names) {
    if (seen.has(name)) {
      throw new TabmqError('INVALID_REQUEST', `${what} ${describe(name)} is named twice`, {
        [field]: name,
      })
    }
    seen.add(name)
  }
}
