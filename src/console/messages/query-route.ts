/** What the form says as an address says it, and the other way round. */
import { formatTimestamp } from '../format/format.js'
import { isWritable, type Route } from '../route.js'
import type { CheckedQuery, Query, QueryStart } from './read-form.js'

/** Undefined where no address can say it. */
export function routeOf(
  { topic, partition, key, filter }: Query,
  { start }: CheckedQuery,
): Route | undefined {
  if (!isWritable(key) || !isWritable(filter)) return undefined
  return {
    view: 'messages',
    name: topic,
    ...(partition === 'all' ? {} : { partition: Number(partition) }),
    ...beginOf(start),
    ...(key === '' ? {} : { key }),
    ...(filter.trim() === '' ? {} : { filter }),
  }
}

function beginOf(start: QueryStart): Pick<Route, 'offset' | 'timestampMs' | 'from'> {
  switch (start.type) {
    case 'newest':
      return {}
    case 'oldest':
    case 'live':
      return { from: start.type }
    case 'offset':
      return { offset: start.offset }
    case 'time':
      return { timestampMs: start.timestampMs }
  }
}

export function queryOf(route: Route, firstTopic: string): Query {
  const { name, partition, offset, timestampMs, key, filter } = route
  return {
    topic: name ?? firstTopic,
    partition: partition === undefined ? 'all' : String(partition),
    start: startOf(route),
    offset: offset === undefined ? '' : String(offset),
    time: timestampMs === undefined ? '' : fieldTime(timestampMs),
    key: key ?? '',
    filter: filter ?? '',
  }
}

function startOf({ offset, timestampMs, from }: Route): Query['start'] {
  if (offset !== undefined) return 'offset'
  return timestampMs === undefined ? (from ?? 'newest') : 'time'
}

/** Of this place, as a field for date and time has it, where years have four digits at least. */
function fieldTime(timestampMs: number): string {
  return formatTimestamp(timestampMs)
    .replace(' ', 'T')
    .padStart('yyyy-mm-ddThh:mm:ss.sss'.length, '0')
}
