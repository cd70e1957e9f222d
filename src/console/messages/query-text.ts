/** What was asked for, in words: what a list of messages is of. */
import type { Query } from './read-form.js'

export function queryText({ topic, partition, start, offset, time, key, filter }: Query): string {
  const begins = {
    newest: 'the newest first',
    oldest: 'the oldest first',
    offset: `from offset ${offset.trim()} on`,
    time: `from ${time.replace('T', ' ')} on`,
    live: 'live',
  }
  const parts = [
    topic,
    ...(partition === 'all' ? [] : [`partition ${partition}`]),
    begins[start],
    ...(key === '' ? [] : [`key ${JSON.stringify(key)}`]),
    ...(filter.trim() === '' ? [] : [`where ${filter.trim()}`]),
  ]
  return parts.join(', ')
}
