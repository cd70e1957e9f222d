/** All share groups, or one of them. */
import type { ShareGroupDescription } from '../../index.js'
import { formatCount } from '../format/format.js'
import { useCluster, useConsole } from '../parts/console-context.js'
import { DataTable, type Column } from '../parts/data-table.js'
import { Empty } from '../parts/facts.js'
import { archivedOf, shareFigures } from './share-figures.js'
import { ShareGroupPage } from './share-group-page.js'

/** The broker's own: in it is what `admin.redrive` has sent back already. */
const REDRIVE = 'tabmq.redrive'

export function ShareGroupsView() {
  const { route } = useConsole()
  return route.name === undefined ? <ShareGroupList /> : <ShareGroupPage groupId={route.name} />
}

function ShareGroupList() {
  const { go } = useConsole()
  const { shareGroups } = useCluster()
  const number = (
    title: string,
    of: (group: ShareGroupDescription) => number,
  ): Column<ShareGroupDescription> => ({
    title,
    isNumber: true,
    order: of,
    cell: (group) => formatCount(of(group)),
  })
  const columns: readonly Column<ShareGroupDescription>[] = [
    {
      title: 'Group',
      order: ({ groupId }) => groupId,
      cell: ({ groupId }) => (
        <button
          type="button"
          class="link"
          onClick={() => go({ view: 'share-groups', name: groupId })}
        >
          {groupId}
          {groupId === REDRIVE && <span class="muted"> (which dead letters were sent back)</span>}
        </button>
      ),
    },
    number('Members', ({ members }) => members.length),
    number('Available', (group) => shareFigures(group).available),
    number('In flight', (group) => shareFigures(group).acquired),
    number('Accepted', (group) => shareFigures(group).accepted),
    number('Archived', (group) => archivedOf(shareFigures(group))),
    {
      title: 'Dead letters go to',
      cell: ({ options: { deadLetterTopic } }) =>
        deadLetterTopic ?? <span class="muted">nowhere</span>,
    },
  ]
  return (
    <>
      <div class="head">
        <h2>Share groups</h2>
      </div>
      {shareGroups.length === 0 ? (
        <Empty>
          <p>There are no share groups.</p>
          <p class="muted">
            One is made by its first member (<code>mq.shareConsumer</code>): it deals out messages,
            not partitions.
          </p>
        </Empty>
      ) : (
        <>
          <DataTable
            caption="Share groups"
            columns={columns}
            rows={shareGroups}
            rowKey={({ groupId }) => groupId}
            isSearchable
          />
          <p class="muted">What was accepted and archived is counted since the broker started.</p>
        </>
      )}
    </>
  )
}
