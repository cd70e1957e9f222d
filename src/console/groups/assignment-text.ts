/** Partitions and subscriptions on a line. */
import type { MemberDescription, TopicPartition } from '../../index.js'

/** `orders 0–2, 5; payments 1`: runs of neighbours together. */
export function partitionsText(partitions: readonly TopicPartition[]): string {
  if (partitions.length === 0) return 'none'
  const byTopic = new Map<string, number[]>()
  for (const { topic, partition } of partitions) {
    byTopic.set(topic, [...(byTopic.get(topic) ?? []), partition])
  }
  return [...byTopic]
    .map(([topic, numbers]) => `${topic} ${runsText(numbers.toSorted((a, b) => a - b))}`)
    .join('; ')
}

function runsText(numbers: readonly number[]): string {
  const runs: { first: number; last: number }[] = []
  for (const number of numbers) {
    const run = runs.at(-1)
    if (run !== undefined && run.last + 1 === number) run.last = number
    else runs.push({ first: number, last: number })
  }
  return runs
    .map(({ first, last }) => (first === last ? String(first) : `${first}–${last}`))
    .join(', ')
}

export function subscriptionText({ topics, patterns }: MemberDescription['subscription']): string {
  return [...topics, ...patterns.map(({ source, flags }) => `/${source}/${flags}`)].join(', ')
}
