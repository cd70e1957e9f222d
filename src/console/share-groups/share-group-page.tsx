/** One share group: what waits, who has what, what has ended how, and its dead letters. */
import { useState } from 'preact/hooks'
import type {
  ShareGroupDescription,
  ShareLock,
  ShareMemberDescription,
  SharePartitionDescription,
  Tabmq,
} from '../../index.js'
import { formatCount, formatDuration, formatShortId } from '../format/format.js'
import { CLIENT, SESSION, SUBSCRIPTION, WEIGHT } from '../groups/member-columns.js'
import { useCluster, useConsole } from '../parts/console-context.js'
import { DataTable, type Column } from '../parts/data-table.js'
import { Confirm, type Done } from '../parts/dialog.js'
import { Back, Empty, Facts } from '../parts/facts.js'
import { useNowMs } from '../parts/use-clock.js'
import { DeadLetters } from './dead-letters.js'
import { archivedOf, shareFigures } from './share-figures.js'

export function ShareGroupPage({ groupId }: { readonly groupId: string }) {
  const { go } = useConsole()
  const group = useCluster().shareGroups.find((one) => one.groupId === groupId)
  return (
    <>
      <Back to="All share groups" onClick={() => go({ view: 'share-groups' })} />
      {group === undefined ? (
        <Empty>
          <p>There is no share group “{groupId}”, or not any more.</p>
        </Empty>
      ) : (
        <ShareGroup group={group} />
      )}
    </>
  )
}

function ShareGroup({ group }: { readonly group: ShareGroupDescription }) {
  const { writer } = useConsole()
  const [isDeleting, setDeleting] = useState(false)
  const figures = shareFigures(group)
  const { options, members } = group
  return (
    <>
      <div class="head">
        <h2>{group.groupId}</h2>
        {writer !== undefined && (
          <button
            type="button"
            class="danger"
            disabled={members.length > 0}
            onClick={() => setDeleting(true)}
          >
            Delete group
          </button>
        )}
      </div>
      {writer !== undefined && members.length > 0 && (
        <p class="muted">It can be deleted only while it has no members.</p>
      )}
      <Facts
        facts={[
          ['Available', formatCount(figures.available)],
          ['Of these delayed', formatCount(figures.delayed)],
          ['In flight', formatCount(figures.acquired)],
          ['Accepted', formatCount(figures.accepted)],
          ['Archived', formatCount(archivedOf(figures))],
          ['Of these dead letters', formatCount(figures.deadLettered)],
          ['Delivered', formatCount(figures.delivered)],
          ['Released', formatCount(figures.released)],
          ['Rejected', formatCount(figures.rejected)],
          ['Locks that ran out', formatCount(figures.timedOut)],
          ['Expired', formatCount(figures.expired)],
          ['Lock', formatDuration(options.lockDurationMs)],
          ['Deliveries at most', formatCount(options.deliveryCountLimit)],
          ['Ordered by key', options.isOrderedByKey ? 'yes' : 'no'],
        ]}
      />
      <DeadLetters group={group} />
      <section class="section">
        <h3>Members</h3>
        {members.length === 0 ? <p class="muted">None.</p> : <Members members={members} />}
      </section>
      <section class="section">
        <h3>Partitions</h3>
        <Partitions partitions={group.partitions} />
      </section>
      <section class="section">
        <h3>In flight</h3>
        <Locks group={group} />
      </section>
      {isDeleting && <DeleteShareGroup group={group} onClose={() => setDeleting(false)} />}
    </>
  )
}

function Members({ members }: { readonly members: readonly ShareMemberDescription[] }) {
  const columns: readonly Column<ShareMemberDescription>[] = [
    { title: 'Member', cell: ({ memberId }) => <code>{formatShortId(memberId)}</code> },
    CLIENT,
    SESSION,
    SUBSCRIPTION,
    WEIGHT,
    { title: 'Has', isNumber: true, cell: ({ acquired }) => formatCount(acquired) },
  ]
  return (
    <DataTable
      caption="Members"
      columns={columns}
      rows={members}
      rowKey={({ memberId }) => memberId}
    />
  )
}

interface PartitionsProps {
  readonly partitions: readonly SharePartitionDescription[]
}

function Partitions({ partitions }: PartitionsProps) {
  const number = (
    title: string,
    of: (one: SharePartitionDescription) => number,
  ): Column<SharePartitionDescription> => ({
    title,
    isNumber: true,
    order: of,
    cell: (one) => formatCount(of(one)),
  })
  const columns: readonly Column<SharePartitionDescription>[] = [
    { title: 'Partition', cell: ({ topic, partition }) => `${topic} ${partition}` },
    number('All final below', ({ startOffset }) => startOffset),
    number('Readable up to', ({ highWatermark }) => highWatermark),
    number('Available', ({ available }) => available),
    number('Delayed', ({ delayed }) => delayed),
    number('In flight', ({ acquired }) => acquired),
    number('Accepted', ({ counters }) => counters.accepted),
    number('Archived', ({ counters }) => archivedOf(counters)),
  ]
  return (
    <DataTable
      caption="Partitions of the group"
      columns={columns}
      rows={partitions}
      rowKey={({ topic, partition }) => `${topic} ${partition}`}
      isSearchable
    />
  )
}

interface HeldRange extends ShareLock {
  readonly topic: string
  readonly partition: number
}

function Locks({ group }: { readonly group: ShareGroupDescription }) {
  const { go } = useConsole()
  const nowMs = useNowMs()
  const held: readonly HeldRange[] = group.partitions.flatMap(({ topic, partition, locks }) =>
    locks.map((lock) => ({ ...lock, topic, partition })),
  )
  if (held.length === 0) return <p class="muted">Nobody has any message now.</p>
  const clientOf = (id: string) => group.members.find(({ memberId }) => memberId === id)?.clientId
  const columns: readonly Column<HeldRange>[] = [
    {
      title: 'Messages',
      cell: ({ topic, partition, firstOffset, lastOffset }) => (
        <button
          type="button"
          class="link"
          onClick={() => go({ view: 'messages', name: topic, partition, offset: firstOffset })}
        >
          {topic} {partition}: {firstOffset}
          {lastOffset > firstOffset && `–${lastOffset}`}
        </button>
      ),
    },
    {
      title: 'Held by',
      cell: ({ memberId }) => (
        <>
          <code>{formatShortId(memberId)}</code> <span class="break">{clientOf(memberId)}</span>
        </>
      ),
    },
    {
      title: 'Delivery',
      isNumber: true,
      order: ({ deliveryCount }) => deliveryCount,
      cell: ({ deliveryCount }) =>
        `${formatCount(deliveryCount)} of ${formatCount(group.options.deliveryCountLimit)}`,
    },
    {
      title: 'Lock ends in',
      isNumber: true,
      order: ({ lockedUntilMs }) => lockedUntilMs,
      cell: ({ lockedUntilMs }) => formatDuration(Math.max(0, lockedUntilMs - nowMs)),
    },
  ]
  return (
    <DataTable
      caption="Messages in flight"
      columns={columns}
      rows={held}
      rowKey={({ topic, partition, firstOffset }) => `${topic} ${partition} ${firstOffset}`}
    />
  )
}

interface DeleteShareGroupProps {
  readonly group: ShareGroupDescription
  readonly onClose: () => void
}

function DeleteShareGroup({ group, onClose }: DeleteShareGroupProps) {
  const { groupId } = group
  const remove = async (writer: Tabmq): Promise<Done> => {
    await writer.admin().deleteGroups([groupId])
    return { said: `Share group ${groupId} was deleted.`, goTo: { view: 'share-groups' } }
  }
  return (
    <Confirm
      title={`Delete share group ${groupId}?`}
      action="Delete group"
      lost={[
        'what it has done: its next members get all messages that are still there',
        `that ${formatCount(shareFigures(group).available)} messages were left to do, and how often each was delivered`,
      ]}
      onSubmit={remove}
      onClose={onClose}
    />
  )
}
