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
  /** Of messages: those of one partition; absent for those of all. */
  readonly partition?: number
  /** Of messages: where to begin, by one of these three; the newest first where none is there. */
  readonly offset?: number
  readonly timestampMs?: number
  /** `live`: what is appended from now on. */
  readonly from?: 'oldest' | 'live'
  /** Of messages: only those with this key; never empty. */
  readonly key?: string
  /** Of messages: only those that it accepts, as it is typed; never empty. */
  readonly filter?: string
}

/**
 * How a reader comes to a route: by a `link`, to what is there now; by a `return`, to what was there when it
 * was left, where that is known still; or it is `shown` already, and only what it is called is new.
 */
export type Arrival = 'link' | 'return' | 'shown'

/** Being at a route: another each time that something else is to be shown. */
export interface Visit {
  readonly number: number
  /** Whether it is a return, from another view. */
  readonly isReturn: boolean
}

/**
 * `topics`, `topics/orders`, `messages/orders/3/117`, `messages/orders?from=oldest&key=user-7`: each part as
 * `encodeURIComponent` writes it.
 */
export function formatRoute(route: Route): string {
  const { view, name, partition, offset } = route
  if (name === undefined) return view
  const inPath =
    partition === undefined ? [] : [partition, ...(offset === undefined ? [] : [offset])]
  const path = [view, encoded(name), ...inPath].join('/')
  const query = queryOf(route)
  return query === '' ? path : `${path}?${query}`
}

function queryOf({ partition, offset, timestampMs, from, key, filter }: Route): string {
  // With a partition, an offset is part of the path.
  const ofAll = partition === undefined ? offset : undefined
  const time = timestampMs === undefined ? undefined : new Date(timestampMs).toISOString()
  const begin = offset === undefined ? (time ?? from) : ofAll
  return [
    ...(begin === undefined ? [] : [`from=${begin}`]),
    ...(key === undefined ? [] : [`key=${encoded(key)}`]),
    ...(filter === undefined ? [] : [`filter=${encoded(filter)}`]),
  ].join('&')
}

/** Undefined for what leads nowhere. */
export function parseRoute(text: string): Route | undefined {
  const [, path = '', query = ''] = /^([^?]*)\??(.*)$/s.exec(text) ?? []
  const place = parsePath(path)
  if (place === undefined || query === '') return place
  if (place.view !== 'messages' || place.name === undefined) return undefined
  const part = parseQuery(query, place.offset === undefined ? [] : ['from'])
  return part && { ...place, ...part }
}

function parsePath(path: string): Route | undefined {
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

type Part = Omit<Route, 'view' | 'name' | 'partition'>

/** What is not understood, or said twice, might list something else than what was meant: it leads nowhere. */
function parseQuery(query: string, alreadySaid: readonly string[]): Part | undefined {
  const said = new Set(alreadySaid)
  let all: Part = {}
  for (const parameter of query.split('&')) {
    const [, name = '', text = ''] = /^(\w+)=(.+)$/s.exec(parameter) ?? []
    const part = said.has(name) ? undefined : parsePart(name, decoded(text))
    if (part === undefined) return undefined
    said.add(name)
    all = { ...all, ...part }
  }
  return all
}

function parsePart(name: string, value: string | undefined): Part | undefined {
  if (value === undefined) return undefined
  switch (name) {
    case 'from':
      return parseBegin(value)
    case 'key':
      return { key: value }
    case 'filter':
      return { filter: value }
    default:
      return undefined
  }
}

function parseBegin(text: string): Part | undefined {
  if (text === 'newest') return {}
  if (text === 'oldest' || text === 'live') return { from: text }
  const offset = wholeNumber(text)
  if (offset !== undefined) return { offset }
  const timestampMs = timestampOf(text)
  return timestampMs === undefined ? undefined : { timestampMs }
}

const TIME = /^(\d{4}|[+-]\d{6})(-\d\d){2}T\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z$/

function timestampOf(text: string): number | undefined {
  const date = new Date(TIME.test(text) ? text : Number.NaN)
  const timestampMs = date.getTime()
  // Browsers differ in whether the 31st of February is a day.
  const day = text.slice(0, text.indexOf('T'))
  if (Number.isNaN(timestampMs) || !date.toISOString().startsWith(day)) return undefined
  return timestampMs
}

/** Half a surrogate pair, which a key may have, is none that an address can have. */
export function isWritable(text: string): boolean {
  return !/\p{Surrogate}/u.test(text)
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

function encoded(text: string): string {
  return encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\u{fffd}'))
}
