/** The record that a reader has picked out of a log, in whichever view. Pure. */
import type { ClusterState } from '../../src/index.js'

export interface PickedRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** A record of a topic that was deleted, or made anew since, is in no log any more. */
export function pickedStill(
  picked: PickedRecord | undefined,
  { before, state }: { readonly before: ClusterState; readonly state: ClusterState },
): PickedRecord | undefined {
  if (picked === undefined) return undefined
  const idIn = ({ topics }: ClusterState) =>
    topics.find(({ topic }) => topic === picked.topic)?.topicId
  return idIn(before) === idIn(state) ? picked : undefined
}
