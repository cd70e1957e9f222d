/** The broker's calls to a tab, beside its replies. */
import type { GroupId, MemberId } from './names.js'
import type { ClusterState } from './requests/cluster.js'
import type { Answer } from './requests/replies.js'
import type { StoreNews } from './requests/stores.js'

/** What the broker says unasked. Each is small and answered, so none can pile up in a dead tab. */
export type Push =
  | { readonly push: 'heartbeat'; readonly groupId: GroupId; readonly memberId: MemberId }
  /** The broker had to load its state again: whoever is a member of a group joins again. */
  | { readonly push: 'rejoin' }
  /** This broker has ended, and another may have come: whoever wants one says hello again. */
  | { readonly push: 'closed' }
  /** Topics, partitions or configs are not what they were: what a tab knows of them is old. */
  | { readonly push: 'topicsChanged' }
  | { readonly push: 'clusterState'; readonly watchId: string; readonly state: ClusterState }
  | ({ readonly push: 'storeChanged'; readonly watchId: string } & StoreNews)
  | { readonly push: 'reply'; readonly correlationId: string; readonly answer: Answer }
