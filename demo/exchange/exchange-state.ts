/** What the page shows of its exchange: a `ClusterState` in, plain data out. */
import type { ClusterState } from '../../src/index.js'
import { EXCHANGE, EXCHANGE_QUEUES } from '../names.js'

export interface ExchangeState {
  readonly published: number
  readonly dropped: number
  readonly queues: readonly QueueOfExchange[]
}

export interface QueueOfExchange {
  readonly topic: string
  /** The routing keys that it is bound by. */
  readonly patterns: readonly string[]
  readonly messages: number
}

/** Undefined while there is no such exchange. */
export function exchangeStateOf(state: ClusterState): ExchangeState | undefined {
  const found = state.exchanges.find(({ exchange }) => exchange === EXCHANGE)
  if (found === undefined) return undefined
  const { published, dropped } = found.counters
  return {
    published,
    dropped,
    queues: Object.keys(EXCHANGE_QUEUES).map((topic) => ({
      topic,
      patterns: found.bindings.flatMap((binding) =>
        'topic' in binding && binding.topic === topic ? [binding.routingKey] : [],
      ),
      messages: storedIn(state, topic),
    })),
  }
}

function storedIn(state: ClusterState, topic: string): number {
  const partitions = state.topics.find((one) => one.topic === topic)?.partitions ?? []
  return partitions.reduce((count, one) => count + one.highWatermark - one.logStartOffset, 0)
}
