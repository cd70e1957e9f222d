/** Figures of topics and of who reads them, from the cluster's state. */
import type { ClusterState, TopicConfig, TopicState } from '../../index.js'
import { formatBytes, formatDuration } from '../format/format.js'

export interface TopicFigures {
  /** As many as its logs hold, void ones included: what lies between log start and log end. */
  readonly messages: number
  readonly sizeBytes: number
}

export function topicFigures({ partitions }: TopicState): TopicFigures {
  let messages = 0
  let sizeBytes = 0
  for (const { logStartOffset, logEndOffset, sizeBytes: bytes } of partitions) {
    messages += logEndOffset - logStartOffset
    sizeBytes += bytes
  }
  return { messages, sizeBytes }
}

/** A group that reads a topic. */
export interface TopicReader {
  readonly groupId: string
  readonly type: 'consumer' | 'share'
  /** Messages that are there and not yet done with. */
  readonly lag: number
}

export function topicReaders(
  { groups, shareGroups }: ClusterState,
  topic: string,
): readonly TopicReader[] {
  const consumers = groups.flatMap(({ groupId, offsets }) => {
    const own = offsets.filter((one) => one.topic === topic)
    const lag = own.reduce((sum, one) => sum + one.lag, 0)
    return own.length === 0 ? [] : [{ groupId, type: 'consumer' as const, lag }]
  })
  const shares = shareGroups.flatMap(({ groupId, partitions }) => {
    const own = partitions.filter((one) => one.topic === topic)
    const lag = own.reduce((sum, one) => sum + one.available + one.acquired, 0)
    return own.length === 0 ? [] : [{ groupId, type: 'share' as const, lag }]
  })
  return [...consumers, ...shares]
}

/** In words, what is not as it is by default first. */
export function configText(config: TopicConfig): string {
  const { retentionMs, retentionBytes, maxMessageBytes, dedupWindowMs } = config
  const kept = retentionMs === null ? 'kept for good' : `kept ${formatDuration(retentionMs)}`
  return [
    kept,
    ...(retentionBytes === null ? [] : [`up to ${formatBytes(retentionBytes)} a partition`]),
    ...(dedupWindowMs === null ? [] : [`ids known ${formatDuration(dedupWindowMs)}`]),
    `messages up to ${formatBytes(maxMessageBytes)}`,
  ].join(', ')
}
