/** Changes a topic's config, or how many partitions it has. */
import { useState } from 'preact/hooks'
import type { TopicState } from '../../index.js'
import { formatQuantity } from '../format/format.js'
import { useConsole } from '../parts/console-context.js'
import { Dialog } from '../parts/dialog.js'
import { TextField } from '../parts/fields.js'
import { ConfigFields, configToText, textToConfig } from './topic-config-fields.js'

export interface ChangeProps {
  readonly topic: TopicState
  readonly onClose: () => void
}

export function ChangeConfig({ topic: { topic, config: before }, onClose }: ChangeProps) {
  const { writer, notify } = useConsole()
  const [text, setText] = useState(() => configToText(before))
  const { config, errors } = textToConfig(text)
  const change = async () => {
    await writer?.admin().alterConfigs({ topics: [{ topic, config }] })
    notify(`The config of ${topic} was changed.`)
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
  const { writer, notify } = useConsole()
  const [count, setCount] = useState(String(partitions.length + 1))
  const isMore = Number.isSafeInteger(Number(count)) && Number(count) > partitions.length
  const add = async () => {
    await writer?.admin().createPartitions({ topicPartitions: [{ topic, count: Number(count) }] })
    notify(`${topic} has ${formatQuantity(Number(count), 'partition')} now.`)
  }
  return (
    <Dialog
      title={`Partitions of ${topic}`}
      action="Add partitions"
      canSubmit={isMore}
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
        min={partitions.length + 1}
        value={count}
        onInput={setCount}
        error={isMore ? undefined : `More than the ${partitions.length} there are.`}
      />
    </Dialog>
  )
}
