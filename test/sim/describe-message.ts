/** Requests and replies as the trace shows them: short, with the numbers that matter in each. */
import { parseBatchHeader } from '../../src/protocol/batch-header.js'
import type { MemberRef } from '../../src/protocol/requests/groups.js'
import type { Request, ResponseOf, WireReply } from '../../src/protocol/requests/request.js'

/** @example 'produce 3:p042e0s17+2': two for partition 3, of producer …042 in epoch 0, from sequence 17 */
export function describeRequest(request: Request): string {
  const { api } = request
  switch (api) {
    case 'produce':
      return `${api} ${request.batches.map(({ partitionId, batch }) => {
        const { producer, recordCount } = parseBatchHeader(batch)
        const sequence =
          producer === undefined
            ? ''
            : `p${String(producer.producerId).slice(-3)}e${producer.producerEpoch}s${producer.baseSequence}`
        return `${partitionId}:${sequence}+${recordCount}`
      })}`
    case 'fetch':
      return `${api} ${request.partitions.map(({ partitionId, offset }) => `${partitionId}@${offset}`)}`
    case 'commitOffsets': {
      const offsets = request.offsets.map(({ partitionId, offset }) => `${partitionId}@${offset}`)
      return `${api} ${describeMember(request.member)} ${offsets}`
    }
    case 'groupHeartbeat': {
      const { member, owned, subscription } = request
      const names = subscription?.topics.join() ?? ''
      return `${api} ${describeMember(member)} owns [${owned ?? '?'}] ${names}`
    }
    case 'leaveGroup':
      return `${api} ${describeMember(request.member)}`
    case 'startOffsets':
      return `${api} ${describeMember(request.member)} [${request.partitions}]`
    default:
      return api
  }
}

export function describeReply(request: Request, reply: WireReply): string {
  const { api } = request
  if (!reply.ok) return `${api}: ${reply.error.code}`
  switch (api) {
    case 'produce': {
      const { results } = reply.value as ResponseOf<'produce'>
      return `${api}: ${results.map((result) =>
        result.error === undefined
          ? `${result.partitionId}@${result.baseOffset}${result.duplicate ? ' again' : ''}`
          : `${result.partitionId} ${result.error.code}`,
      )}`
    }
    case 'fetch': {
      const { partitions } = reply.value as ResponseOf<'fetch'>
      return `${api}: ${partitions.map((result) =>
        result.error === undefined
          ? `${result.partitionId} up to ${result.highWatermark}`
          : `${result.partitionId} ${result.error.code}`,
      )}`
    }
    case 'groupHeartbeat': {
      const { memberEpoch, assigned } = reply.value as ResponseOf<'groupHeartbeat'>
      return `${api}: e${memberEpoch} [${assigned.map(({ partitionId }) => partitionId)}]`
    }
    case 'startOffsets': {
      const { results } = reply.value as ResponseOf<'startOffsets'>
      return `${api}: ${results.map((result) =>
        result.error === undefined
          ? `${result.partitionId}@${result.offset}`
          : `${result.partitionId} ${result.error.code}`,
      )}`
    }
    default:
      return `${api}: ok`
  }
}

function describeMember(member: MemberRef | undefined): string {
  return member === undefined ? 'nobody' : `${member.memberId} e${member.memberEpoch}`
}
