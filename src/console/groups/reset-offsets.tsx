/** Sets a group's offsets of a topic, or of all of its topics, after saying what that means. */
import { useState } from 'preact/hooks'
import type { Tabmq } from '../../index.js'
import { errorText } from '../format/error-text.js'
import { formatCount, formatQuantity } from '../format/format.js'
import { useCluster } from '../parts/console-context.js'
import { Confirm, type Done } from '../parts/dialog.js'
import { SelectField, TextField } from '../parts/fields.js'
import { readWholeNumber } from '../parts/whole-number.js'
import type { GroupDialogProps } from './delete-group.js'

type Where = 'earliest' | 'latest' | 'time' | 'offset'

/** No topic is called so. */
const ALL = ''

export function ResetOffsets({ group, onClose }: GroupDialogProps) {
  const { topics } = useCluster()
  const own = [...new Set<string>(group.offsets.map((one) => one.topic))]
  const others = topics.map((one) => one.topic).filter((topic) => !own.includes(topic))
  const [topic, setTopic] = useState<string>(own[0] ?? others[0] ?? '')
  const [where, setWhere] = useState<Where>('earliest')
  const [time, setTime] = useState('')
  const [partition, setPartition] = useState('0')
  const [offsetText, setOffset] = useState('0')
  const { groupId } = group
  const isAll = topic === ALL && own.length > 1
  const chosen = isAll ? own : [topic]
  const timestamp = new Date(time).getTime()
  const { number: offset, error: offsetError } = readWholeNumber(offsetText)
  const canSubmit =
    (topic !== '' || isAll) &&
    (where !== 'time' || !Number.isNaN(timestamp)) &&
    (where !== 'offset' || offsetError === undefined)

  const reset = async (writer: Tabmq, signal: AbortSignal): Promise<Done> => {
    const admin = writer.admin()
    if (where === 'offset' && offset !== undefined) {
      const partitions = [{ partition: Number(partition), offset }]
      await admin.setOffsets({ groupId, topic, partitions })
      return { said: `The offset of ${groupId} in ${topic} ${partition} was set.` }
    }
    const to = where === 'time' ? { timestamp } : { earliest: where === 'earliest' }
    let done = 0
    for (const one of chosen) {
      if (signal.aborted) break
      try {
        await admin.resetOffsets({ groupId, topic: one, ...to })
      } catch (error) {
        if (chosen.length === 1) throw error
        const before = chosen.slice(0, done).join(', ')
        const stands = done === 0 ? 'None was set.' : `Those in ${before} were set.`
        throw new Error(`In ${one}: ${errorText(error)} ${stands}`, { cause: error })
      }
      done += 1
    }
    const what = isAll ? formatQuantity(done, 'topic') : topic
    return { said: `The offsets of ${groupId} in ${what} were set.` }
  }
  const lag = group.offsets
    .filter((one) => chosen.includes(one.topic))
    .reduce((sum, one) => sum + one.lag, 0)
  const effect: Readonly<Record<Where, string>> = {
    earliest: 'all messages that are still there are handled again',
    latest: `the ${formatCount(lag)} messages that are left to do are never handled`,
    time: 'messages from that time on are handled (again), earlier ones are not',
    offset:
      'of that partition, messages from the offset on are handled (again), earlier ones are not',
  }
  const all = [ALL, `all ${formatCount(own.length)} of the group`] as const
  return (
    <Confirm
      title={`Reset offsets of ${groupId}?`}
      action="Reset offsets"
      lost={[`where it stands in ${chosen.join(', ')}: ${effect[where]}`]}
      canSubmit={canSubmit}
      onSubmit={reset}
      onClose={onClose}
    >
      <div class="fields">
        <SelectField
          label="Topic"
          value={topic}
          options={[
            ...[...own, ...others].map((name) => [name, name] as const),
            ...(own.length > 1 ? [all] : []),
          ]}
          onChange={(name) => {
            setTopic(name)
            setPartition('0')
            if (name === ALL && where === 'offset') setWhere('earliest')
          }}
        />
        <SelectField
          label="To"
          value={where}
          options={[
            ['earliest', 'the earliest'],
            ['latest', 'the latest'],
            ['time', 'a time'],
            ...(isAll ? [] : [['offset', 'an offset'] as [Where, string]]),
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
              value={offsetText}
              error={offsetError}
              onInput={setOffset}
            />
          </>
        )}
      </div>
    </Confirm>
  )
}
