/** Sets a group's offsets of a topic, after saying what that means. */
import { useState } from 'preact/hooks'
import { formatCount } from '../format/format.js'
import { useCluster, useConsole } from '../parts/console-context.js'
import { Confirm } from '../parts/dialog.js'
import { SelectField, TextField } from '../parts/fields.js'
import type { GroupDialogProps } from './delete-group.js'

type Where = 'earliest' | 'latest' | 'time' | 'offset'

export function ResetOffsets({ group, onClose }: GroupDialogProps) {
  const { writer, notify } = useConsole()
  const { topics } = useCluster()
  const own = [...new Set(group.offsets.map(({ topic }) => topic))]
  const others = topics.map(({ topic }) => topic).filter((topic) => !own.includes(topic as never))
  const [topic, setTopic] = useState<string>(own[0] ?? others[0] ?? '')
  const [where, setWhere] = useState<Where>('earliest')
  const [time, setTime] = useState('')
  const [partition, setPartition] = useState('0')
  const [offset, setOffset] = useState('0')
  const { groupId } = group
  const timestamp = new Date(time).getTime()
  const isOffset = Number.isSafeInteger(Number(offset)) && Number(offset) >= 0 && offset !== ''
  const canSubmit =
    topic !== '' &&
    (where !== 'time' || !Number.isNaN(timestamp)) &&
    (where !== 'offset' || isOffset)

  const reset = async () => {
    const admin = writer?.admin()
    if (where === 'offset') {
      const partitions = [{ partition: Number(partition), offset: Number(offset) }]
      await admin?.setOffsets({ groupId, topic, partitions })
    } else if (where === 'time') await admin?.resetOffsets({ groupId, topic, timestamp })
    else await admin?.resetOffsets({ groupId, topic, earliest: where === 'earliest' })
    notify(`The offsets of ${groupId} in ${topic} were set.`)
  }
  const committed = group.offsets.filter((one) => one.topic === topic)
  const lag = committed.reduce((sum, one) => sum + one.lag, 0)
  const effect: Readonly<Record<Where, string>> = {
    earliest: 'all messages that are still there are handled again',
    latest: `the ${formatCount(lag)} messages that are left to do are never handled`,
    time: 'messages from that time on are handled (again), earlier ones are not',
    offset:
      'of that partition, messages from the offset on are handled (again), earlier ones are not',
  }
  return (
    <Confirm
      title={`Reset offsets of ${groupId}?`}
      action="Reset offsets"
      lost={[`where it stands in ${topic}: ${effect[where]}`]}
      canSubmit={canSubmit}
      onSubmit={reset}
      onClose={onClose}
    >
      <div class="fields">
        <SelectField
          label="Topic"
          value={topic}
          options={[...own, ...others].map((name) => [name, name] as const)}
          onChange={(name) => {
            setTopic(name)
            setPartition('0')
          }}
        />
        <SelectField
          label="To"
          value={where}
          options={[
            ['earliest', 'the earliest'],
            ['latest', 'the latest'],
            ['time', 'a time'],
            ['offset', 'an offset'],
          ]}
          onChange={setWhere}
        />
        {where === 'time' && (
          <TextField label="Time" type="datetime-local" value={time} onInput={setTime} />
        )}
        {where === 'offset' && (
          <>
            <SelectField
              label="Partition"
              value={partition}
              options={(topics.find((one) => one.topic === topic)?.partitions ?? []).map((one) => {
                const text = String(one.partition)
                return [text, text] as const
              })}
              onChange={setPartition}
            />
            <TextField
              label="Offset: the next to read"
              type="number"
              min={0}
              value={offset}
              onInput={setOffset}
            />
          </>
        )}
      </div>
    </Confirm>
  )
}
