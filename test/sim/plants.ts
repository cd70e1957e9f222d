/**
 * Bugs to plant, for the canaries: each changes what goes over the simulator's own edges (the
 * storage, the port), never the product's code, and breaks what a checker is there to watch. A
 * checker that finds nothing has to be shown to be able to.
 */
import type { Durability, StoredState } from '../../src/broker/ports.js'
import type { DurableRecord } from '../../src/broker/records.js'
import type { Broker } from '../../src/broker/runtime/broker.js'
import type { MemberId, PartitionId } from '../../src/protocol/names.js'
import type {
  MemberDescription,
  Request,
  ResponseOf,
  WireReply,
} from '../../src/protocol/requests.js'
import { SimStorage, type SimStorageParts } from './sim-storage.js'

export interface Plant {
  readonly openStorage?: (parts: SimStorageParts) => SimStorage
  /** Answers instead of the broker, which it may `ask`. */
  readonly answer?: (request: Request, broker: PlantedBroker) => Promise<WireReply>
}

export interface PlantedBroker {
  readonly broker: Broker
  ask(request: Request): Promise<WireReply>
}

export type PlantName = keyof typeof PLANTS

export const PLANTS = {
  /** A commit is acknowledged at once and written later: a broker that dies between loses it. */
  earlyAcknowledgement: { openStorage: (parts) => new EarlyStorage(parts) },

  /** What producers sent last is not there after a restart: repeats are appended again. */
  forgottenSequences: { openStorage: (parts) => new ForgetfulStorage(parts) },

  /** A commit counts whoever makes it, under whatever epoch. */
  unfencedCommits: {
    answer(request, { broker, ask }) {
      if (request.api !== 'commitOffsets' || request.member === undefined) return ask(request)
      const [owner] = ownersOf(broker, request.groupId, request.offsets)
      return ask(owner === undefined ? request : { ...request, member: owner })
    },
  },

  /** Revoked partitions count as let go the moment a member hears of it. */
  hastyHandover: {
    async answer(request, { ask }) {
      const reply = await ask(request)
      if (request.api !== 'groupHeartbeat' || !reply.ok) return reply
      const { memberEpoch, assigned } = reply.value as ResponseOf<'groupHeartbeat'>
      const kept = assigned.map(({ partitionId }) => partitionId)
      if (request.owned?.every((partitionId) => kept.includes(partitionId)) !== false) return reply
      return ask({ ...request, member: { ...request.member, memberEpoch }, owned: kept })
    },
  },

  /** Commits are acknowledged, and nothing is committed. */
  emptyCommits: {
    answer: (request, { ask }) =>
      ask(request.api === 'commitOffsets' ? { ...request, offsets: [] } : request),
  },

  /** Now and then the broker has a bug, and says so. */
  serverErrors: {
    async answer(request, { ask }) {
      const reply = await ask(request)
      if (request.api !== 'produce' || !reply.ok) return reply
      const { results } = reply.value as ResponseOf<'produce'>
      const isStruck = results.some((one) => one.error === undefined && one.baseOffset % 16 === 7)
      const error = { code: 'UNKNOWN_SERVER_ERROR', message: 'TypeError', details: {} } as const
      return isStruck ? { incarnation: reply.incarnation, ok: false, error } : reply
    },
  },

  /** Of what a fetch finds, the first batch is now and then left out. */
  lostBatch: {
    async answer(request, { ask }) {
      const reply = await ask(request)
      if (request.api !== 'fetch' || !reply.ok) return reply
      const { partitions } = reply.value as { partitions: { batches?: ArrayBuffer[] }[] }
      const lossy = partitions.map((partition) =>
        partition.batches !== undefined && partition.batches.length > 2
          ? { ...partition, batches: partition.batches.slice(1) }
          : partition,
      )
      return { ...reply, value: { partitions: lossy } }
    },
  },
} as const satisfies Record<string, Plant>

class EarlyStorage extends SimStorage {
  override async commit(records: readonly DurableRecord[], durability: Durability): Promise<void> {
    const transaction = { records: structuredClone(records), durability }
    const { worker } = this.parts
    await new Promise<void>((resolve) => {
      worker.schedule(this.latencyMs(), 'committed too early', resolve)
    })
    void this.transaction(() => this.write(transaction, false)).catch(() => {
      // Superseded: another broker has the database by now.
    })
  }

  protected override latencyMs(): number {
    return super.latencyMs() + 5
  }
}

class ForgetfulStorage extends SimStorage {
  override async load(): Promise<StoredState> {
    return { ...(await super.load()), producers: [] }
  }
}

function ownersOf(
  broker: Broker,
  groupId: Parameters<Broker['state']['groups']['describe']>[0][number],
  offsets: readonly { readonly partitionId: PartitionId }[],
): { memberId: MemberId; memberEpoch: number }[] {
  const wanted = new Set(offsets.map(({ partitionId }) => partitionId))
  const { groups } = broker.state
  if (!groups.list().groups.some((group) => group.groupId === groupId)) return []
  const holds = ({ assigned }: MemberDescription) =>
    assigned.some(({ partitionId }) => wanted.has(partitionId))
  return groups
    .describe([groupId])
    .flatMap(({ members }) => members.filter(holds))
    .map(({ memberId, memberEpoch }) => ({ memberId, memberEpoch }))
}
