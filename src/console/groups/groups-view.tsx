/** All consumer groups, or one of them. */
import type { GroupDescription } from '../../index.js'
import { formatCount, formatRate } from '../format/format.js'
import { useCluster, useConsole } from '../parts/console-context.js'
import { DataTable, type Column } from '../parts/data-table.js'
import { Empty } from '../parts/facts.js'
import { drainText, groupLag, StateTag } from './group-figures.js'
import { GroupPage } from './group-page.js'

export function GroupsView() {
  const { route } = useConsole()
  return route.name === undefined ? <GroupList /> : <GroupPage groupId={route.name} />
}

function GroupList() {
  const { go, state } = useConsole()
  const { groups } = useCluster()
  const rateOf = ({ groupId }: GroupDescription) => state.rates.groups.get(groupId) ?? 0
  const columns: readonly Column<GroupDescription>[] = [
    {
      title: 'Group',
      order: ({ groupId }) => groupId,
      cell: ({ groupId }) => (
        <button type="button" class="link" onClick={() => go({ view: 'groups', name: groupId })}>
          {groupId}
        </button>
      ),
    },
    { title: 'State', order: (one) => one.state, cell: (one) => <StateTag state={one.state} /> },
    {
      title: 'Members',
      isNumber: true,
      order: ({ members }) => members.length,
      cell: ({ members }) => formatCount(members.length),
    },
    {
      title: 'Topics',
      cell: ({ offsets }) => [...new Set(offsets.map(({ topic }) => topic))].join(', '),
    },
    {
      title: 'Lag',
      isNumber: true,
      order: groupLag,
      cell: (group) => formatCount(groupLag(group)),
    },
    {
      title: 'Rate',
      isNumber: true,
      order: rateOf,
      cell: (group) => formatRate(rateOf(group)),
    },
    {
      title: 'Time to drain',
      isNumber: true,
      cell: (group) => drainText(groupLag(group), rateOf(group)),
    },
    {
      title: 'Epoch',
      isNumber: true,
      cell: ({ groupEpoch }) => formatCount(groupEpoch),
    },
  ]
  return (
    <>
      <div class="head">
        <h2>Consumer groups</h2>
      </div>
      {groups.length === 0 ? (
        <Empty>
          <p>There are no consumer groups.</p>
          <p class="muted">
            A group is there while it has members (<code>mq.consumer</code>) or committed offsets.
          </p>
        </Empty>
      ) : (
        <DataTable
          caption="Consumer groups"
          columns={columns}
          rows={groups}
          rowKey={({ groupId }) => groupId}
          isSearchable
        />
      )}
    </>
  )
}
