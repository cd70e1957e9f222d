/** What is said alike of the members of groups and of share groups. */
import type { MemberDescription } from '../../index.js'
import { formatShortId } from '../format/format.js'
import type { Column } from '../parts/data-table.js'
import { subscriptionText } from './assignment-text.js'

type Member = Pick<MemberDescription, 'clientId' | 'sessionId' | 'subscription' | 'weight'>

export const CLIENT: Column<Member> = {
  title: 'Client',
  cell: ({ clientId }) => <span class="break">{clientId}</span>,
}

/** A static member may be away. */
export const SESSION: Column<Member> = {
  title: 'Session',
  cell: ({ sessionId }) =>
    sessionId === undefined ? 'away' : <code>{formatShortId(sessionId)}</code>,
}

export const SUBSCRIPTION: Column<Member> = {
  title: 'Subscription',
  cell: ({ subscription }) => subscriptionText(subscription),
}

export const WEIGHT: Column<Member> = {
  title: 'Weight',
  isNumber: true,
  cell: ({ weight }) => weight,
}
