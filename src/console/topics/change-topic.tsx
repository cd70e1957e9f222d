/** Changes a topic's config, or how many partitions it has. */
import { useState } from 'preact/hooks'
import type { Tabmq, TopicState } from '../../index.js'
import { formatQuantity } from '../format/format.js'
import { Dialog, type Done } from '../parts/dialog.js'
import { TextField } from '../parts/fields.js'
import { readWholeNumber } from '../parts/whole-number.js'
import { ConfigFields, configToText, textToConfig } from './topic-config-fields.js'

export interface ChangeProps {
  readonly topic: TopicState
  readonly onClose: () => void
}

export function ChangeConfig({ topic: { topic, config: before }, onClose }: ChangeProps) {
  const [text, setText] = useState(() => configToText(before))
  const { config, errors } = textToConfig(text)
  const change = async (writer: Tabmq): Promise<Done> => {
    await writer.admin().alterConfigs({ topics: [{ topic, config }] })
    return { said: `The config of ${topic} was changed.` }
  }
  return (
    <Dialog
      title={`Config of ${topic}`}
      action="Change config"
      canSubmit={Object.keys(errors).length === 0}
      onSubmit={change}
      onClose={onClose}
    >
      <p class="muted">
        Messages that are older, or more, than what is kept from now on go with the next look at
        retention, within a minute.
      </p>
      <ConfigFields text={text} onChange={setText} />
    </Dialog>
  )
}

export function AddPartitions({ topic: { topic, partitions }, onClose }: ChangeProps) {
  const [text, setText] = useState(String(partitions.length + 1))
  const { number: count, error } = readWholeNumber(text, { min: partitions.length + 1 })
  const add = async (writer: Tabmq): Promise<Done | void> => {
    if (count === undefined) return
    await writer.admin().createPartitions({ topicPartitions: [{ topic, count }] })
    return { said: `${topic} has ${formatQuantity(count, 'partition')} now.` }
  }
  return (
    <Dialog
      title={`Partitions of ${topic}`}
      action="Add partitions"
      canSubmit={count !== undefined}
      onSubmit={add}
      onClose={onClose}
    >
      <p>
        There can be more, never fewer. Keys go to other partitions from then on, so messages of one
        key may be in two of them, and their order holds in each alone.
      </p>
      <TextField
        label="Partitions in all"
        type="number"
        value={text}
        onInput={setText}
        error={error === undefined ? undefined : `More than the ${partitions.length} there are.`}
      />
    </Dialog>
  )
}
