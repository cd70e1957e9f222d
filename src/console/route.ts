/** Where in the console one is, and how that is written: as the end of an address may be. */
export const VIEWS = [
  'topics',
  'messages',
  'groups',
  'share-groups',
  'exchanges',
  'stores',
  'health',
] as const

export type ViewName = (typeof VIEWS)[number]

/** What a console shows. */
export interface Route {
  readonly view: ViewName
  /** The topic, group, exchange or store that is shown; absent for the list of all. */
  readonly name?: string
  /** Of messages: where to begin. An offset is one of a partition. */
  readonly partition?: number
  readonly offset?: number
}

/** `topics`, `topics/orders`, `messages/orders/3/117`: each part as `encodeURIComponent` writes it. */
export function formatRoute({ view, name, partition, offset }: Route): string {
  const parts = [name, partition, offset]
  const missing = parts.indexOf(undefined)
  const given = missing === -1 ? parts : parts.slice(0, missing)
  return [view, ...given.map((part) => encodeURIComponent(wellFormed(String(part))))].join('/')
}

/** Undefined for what leads nowhere. */
export function parseRoute(path: string): Route | undefined {
  const [view, ...rest] = path.replace(/\/$/, '').split('/')
  const [name, ...numbers] = rest.map(decoded)
  const [partition, offset] = numbers.map(wholeNumber)
  if (!isViewName(view) || rest.length > (view === 'messages' ? 3 : view === 'health' ? 0 : 1)) {
    return undefined
  }
  if (rest.length >= 1 && (name === undefined || name === '')) return undefined
  if (rest.length >= 2 && partition === undefined) return undefined
  if (rest.length >= 3 && offset === undefined) return undefined
  return {
    view,
    ...(name === undefined ? {} : { name }),
    ...(partition === undefined ? {} : { partition }),
    ...(offset === undefined ? {} : { offset }),
  }
}

function isViewName(value: unknown): value is ViewName {
  return (VIEWS as readonly unknown[]).includes(value)
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function wholeNumber(text: string | undefined): number | undefined {
  const number = text !== undefined && /^\d+$/.test(text) ? Number(text) : Number.NaN
  return Number.isSafeInteger(number) ? number : undefined
}

/** Half a surrogate pair, which a key may have, is none that an address can have. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\u{fffd}')
}
