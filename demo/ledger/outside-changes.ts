/**
 * What happens to the group and the topic that no tab's worker does, and the checker has to know of: offsets
 * that are set, and messages that are deleted before the group has come to them. Pure: one state of
 * the broker is handed to it after the other.
 */
import type { ClusterView } from '../cluster/cluster-view.js'
import type { DeletedRow, SetBackRow, SetOnRow } from './ledger-row.js'

type Own<Row> = Omit<Row, 'epoch' | 'tab' | 'atMs'>
export type OutsideChange = Own<SetBackRow> | Own<SetOnRow> | Own<DeletedRow>

interface Seen {
  readonly committed: number
  readonly start: number
  /** Nobody is in the group. */
  readonly isAtRest: boolean
}

export class OutsideChanges {
  readonly #group: string
  /** Of which topic and broker the last state was: another one's is no change. */
  #place: string | undefined
  #before = new Map<number, Seen>()

  constructor(group: string) {
    this.#group = group
  }

  /** What has happened since the state before. */
  note({ topicId, partitions, broker }: ClusterView): OutsideChange[] {
    const place = `${topicId} ${broker.incarnation}`
    if (place !== this.#place) this.#before = new Map()
    this.#place = place
    const isAtRest = broker.groupState === 'empty'
    return partitions.flatMap((view) => {
      const { partition, start } = view
      const { committed = 0 } = view.groups.find(({ groupId }) => groupId === this.#group) ?? {}
      const before = this.#before.get(partition)
      const now = { committed, start, isAtRest }
      this.#before.set(partition, now)
      return before === undefined ? [] : changesOf(partition, before, now)
    })
  }
}

function changesOf(partition: number, before: Seen, now: Seen): OutsideChange[] {
  const changes: OutsideChange[] = []
  if (now.committed < before.committed) {
    changes.push({ kind: 'setBack', partition, offset: now.committed })
  }
  if (before.isAtRest && now.isAtRest && now.committed > before.committed) {
    const { committed: from } = before
    changes.push({ kind: 'setOn', partition, from, until: now.committed })
  }
  // What was in front of the log's beginning was told before. Within one state the group may have been sent on to where the log begins now.
  const from = Math.max(before.start, Math.min(before.committed, now.committed))
  if (now.start > before.start && from < now.start) {
    changes.push({ kind: 'deleted', partition, from, until: now.start })
  }
  return changes
}
