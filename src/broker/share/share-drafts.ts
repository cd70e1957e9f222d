/** The partitions of one share group as a decision is changing them, each drafted when it is needed. */
import type { BrokerLimits } from '../../protocol/limits.js'
import type { PartitionId } from '../../protocol/names.js'
import type { ShareGroupOptions } from '../../protocol/requests/share-groups.js'
import type { TopicsView } from '../group/topics-view.js'
import type { ShareRecord } from '../records.js'
import type { PartitionFacts } from './partition-facts.js'
import type { ShareGroup } from './share-group.js'
import { SharePartitionDraft } from './share-partition-draft.js'

/** What a decision about a share group reads besides the request. */
export interface ShareGroupState {
  readonly group: ShareGroup
  readonly topics: TopicsView
  readonly limits: BrokerLimits
  factsOf(partitionId: PartitionId): PartitionFacts
}

export class ShareDrafts {
  readonly #state: ShareGroupState
  readonly #nowMs: number
  readonly #options: ShareGroupOptions
  readonly #drafts = new Map<PartitionId, SharePartitionDraft>()

  /** With the options that the group has, or is about to have. */
  constructor(state: ShareGroupState, nowMs: number, options = state.group.options) {
    this.#state = state
    this.#nowMs = nowMs
    this.#options = options
  }

  /** Undefined for a partition that the group does not know, or that is gone. */
  of(partitionId: PartitionId): SharePartitionDraft | undefined {
    const known = this.#drafts.get(partitionId)
    if (known !== undefined) return known
    const { group, topics, limits } = this.#state
    const partition = group.partitions.get(partitionId)
    const log = topics.log(partitionId)
    if (partition === undefined || log === undefined) return undefined
    const options = this.#options
    const isOfDeadLetterTopic = topics.topicOf(log) === options.deadLetterTopic
    const terms = { options, limits, log, nowMs: this.#nowMs, isOfDeadLetterTopic }
    const draft = new SharePartitionDraft(partition, terms)
    this.#drafts.set(partitionId, draft)
    return draft
  }

  records(turn?: number): ShareRecord[] {
    return [...this.#drafts.values()].flatMap((draft) => draft.records(turn))
  }
}
