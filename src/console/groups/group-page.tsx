/** One consumer group: its members, what each has, how far it has come, and what can be done to it. */
import { useState } from 'preact/hooks'
import type { GroupDescription, GroupOffset, MemberDescription } from '../../index.js'
import { formatCount, formatRate, formatShortId } from '../format/format.js'
import { useCluster, useConsole } from '../parts/console-context.js'
import { DataTable, type Column } from '../parts/data-table.js'
import { Back, Empty, Facts } from '../parts/facts.js'
import { partitionsText } from './assignment-text.js'
import { DeleteGroup } from './delete-group.js'
import { drainText, groupLag, StateTag } from './group-figures.js'
import { CLIENT, SESSION, SUBSCRIPTION, WEIGHT } from './member-columns.js'
import { ResetOffsets } from './reset-offsets.js'

export function GroupPage({ groupId }: { readonly groupId: string }) {
  const { go } = useConsole()
  const group = useCluster().groups.find((one) => one.groupId === groupId)
  return (
    <>
      <Back to="All groups" onClick={() => go({ view: 'groups' })} />
      {group === undefined ? (
        <Empty>
          <p>There is no group “{groupId}”, or not any more.</p>
        </Empty>
      ) : (
        <Group group={group} />
      )}
    </>
  )
}

function Group({ group }: { readonly group: GroupDescription }) {
  const { state, writer } = useConsole()
  const [open, setOpen] = useState<'reset' | 'delete'>()
  const lag = groupLag(group)
  const rate = state.rates.groups.get(group.groupId) ?? 0
  const isEmpty = group.members.length === 0
  const close = () => setOpen(undefined)
  return (
    <>
      <div class="head">
        <h2>{group.groupId}</h2>
        {writer !== undefined && (
          <>
            <button type="button" disabled={!isEmpty} onClick={() => setOpen('reset')}>
              Reset offsets
            </button>
            <button
              type="button"
              class="danger"
              disabled={!isEmpty}
              onClick={() => setOpen('delete')}
            >
              Delete group
            </button>
          </>
        )}
      </div>
      {writer !== undefined && !isEmpty && (
        <p class="muted">
          Its offsets can be set, and the group deleted, only while it has no members.
        </p>
      )}
      <Facts
        facts={[
          ['State', <StateTag state={group.state} />],
          ['Lag', formatCount(lag)],
          ['Rate', formatRate(rate)],
          ['Time to drain', drainText(lag, rate)],
          ['Epoch', formatCount(group.groupEpoch)],
          ['Assignor', group.assignor],
        ]}
      />
      <section class="section">
        <h3>Members</h3>
        {isEmpty ? <p class="muted">None.</p> : <Members members={group.members} />}
      </section>
      <section class="section">
        <h3>Partitions</h3>
        {group.offsets.length === 0 ? (
          <p class="muted">None is assigned, and nothing is committed.</p>
        ) : (
          <Offsets group={group} />
        )}
      </section>
      {open === 'reset' && <ResetOffsets group={group} onClose={close} />}
      {open === 'delete' && <DeleteGroup group={group} onClose={close} />}
    </>
  )
}

function Members({ members }: { readonly members: readonly MemberDescription[] }) {
  const columns: readonly Column<MemberDescription>[] = [
    {
      title: 'Member',
      cell: ({ memberId, groupInstanceId }) => (
        <>
          <code>{formatShortId(memberId)}</code>
          {groupInstanceId !== undefined && (
            <span class="muted break"> static: {groupInstanceId}</span>
          )}
        </>
      ),
    },
    CLIENT,
    SESSION,
    { title: 'Holds', cell: ({ assigned }) => partitionsText(assigned) },
    {
      title: 'Is to hold',
      cell: ({ assigned, target }) => {
        const text = partitionsText(target)
        return text === partitionsText(assigned) ? <span class="muted">the same</span> : text
      },
    },
    SUBSCRIPTION,
    WEIGHT,
    { title: 'Epoch', isNumber: true, cell: ({ memberEpoch }) => formatCount(memberEpoch) },
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

function Offsets({ group: { members, offsets } }: { readonly group: GroupDescription }) {
  const { go } = useConsole()
  const holderOf = ({ partitionId }: GroupOffset) =>
    members.find(({ assigned }) => assigned.some((one) => one.partitionId === partitionId))
  const columns: readonly Column<GroupOffset>[] = [
    {
      title: 'Partition',
      order: ({ topic, partition }) => `${topic} ${partition}`,
      cell: ({ topic, partition, committedOffset }) => (
        <button
          type="button"
          class="link"
          onClick={() =>
            go({
              view: 'messages',
              name: topic,
              partition,
              ...(committedOffset === undefined ? {} : { offset: committedOffset }),
            })
          }
        >
          {topic} {partition}
          <span class="hidden">: its next messages</span>
        </button>
      ),
    },
    {
      title: 'Committed',
      isNumber: true,
      cell: ({ committedOffset }) =>
        committedOffset === undefined ? 'nothing' : formatCount(committedOffset),
    },
    {
      title: 'Readable up to',
      isNumber: true,
      cell: ({ highWatermark }) => formatCount(highWatermark),
    },
    {
      title: 'Lag',
      isNumber: true,
      order: ({ lag }) => lag,
      cell: ({ lag }) => formatCount(lag),
    },
    {
      title: 'Held by',
      cell: (offset) => {
        const holder = holderOf(offset)
        if (holder === undefined) return <span class="muted">nobody</span>
        return (
          <>
            <code>{formatShortId(holder.memberId)}</code>{' '}
            <span class="break">{holder.clientId}</span>
          </>
        )
      },
    },
  ]
  return (
    <DataTable
      caption="Partitions of the group"
      columns={columns}
      rows={offsets}
      rowKey={({ topic, partition }) => `${topic} ${partition}`}
      isSearchable
    />
  )
}
