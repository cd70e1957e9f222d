/** Deletes a consumer group, after asking. */
import type { GroupDescription, Tabmq } from '../../index.js'
import { formatCount } from '../format/format.js'
import { Confirm, type Done } from '../parts/dialog.js'
import { groupLag } from './group-figures.js'

export interface GroupDialogProps {
  readonly group: GroupDescription
  readonly onClose: () => void
}

export function DeleteGroup({ group, onClose }: GroupDialogProps) {
  const { groupId, offsets } = group
  const topics = [...new Set(offsets.map(({ topic }) => topic))]
  const remove = async (writer: Tabmq): Promise<Done> => {
    await writer.admin().deleteGroups([groupId])
    return { said: `Group ${groupId} was deleted.`, goTo: { view: 'groups' } }
  }
  return (
    <Confirm
      title={`Delete group ${groupId}?`}
      action="Delete group"
      lost={[
        `how far it has come in ${topics.length === 0 ? 'its topics' : topics.join(', ')}: its next members begin where their options say`,
        `that ${formatCount(groupLag(group))} messages were left to do`,
      ]}
      onSubmit={remove}
      onClose={onClose}
    />
  )
}
