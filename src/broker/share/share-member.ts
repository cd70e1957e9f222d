/** A member of a share group: soft state, gone with its tab or with the broker. */
import type { SessionId } from '../../protocol/names.js'
import type { Subscription } from '../../protocol/requests/membership.js'

export interface ShareMember {
  readonly sessionId: SessionId
  readonly clientId: string
  readonly subscription: Subscription
  readonly weight: number
}
