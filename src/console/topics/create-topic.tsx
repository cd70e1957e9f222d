/** Makes a topic. */
import { useState } from 'preact/hooks'
import type { Tabmq } from '../../index.js'
import { Dialog, type Done } from '../parts/dialog.js'
import { TextField } from '../parts/fields.js'
import { readWholeNumber } from '../parts/whole-number.js'
import { ConfigFields, DEFAULT_CONFIG_TEXT, textToConfig } from './topic-config-fields.js'

export function CreateTopic({ onClose }: { readonly onClose: () => void }) {
  const [topic, setTopic] = useState('')
  const [count, setCount] = useState('1')
  const [text, setText] = useState(DEFAULT_CONFIG_TEXT)
  const { config, errors } = textToConfig(text)
  const { number: numPartitions, error } = readWholeNumber(count, { min: 1 })
  const create = async (writer: Tabmq): Promise<Done | void> => {
    if (numPartitions === undefined) return
    await writer.admin().createTopics({ topics: [{ topic, numPartitions, config }] })
    return { said: `Topic ${topic} was made.`, goTo: { view: 'topics', name: topic } }
  }
  return (
    <Dialog
      title="New topic"
      action="Make topic"
      canSubmit={topic !== '' && error === undefined && Object.keys(errors).length === 0}
      onSubmit={create}
      onClose={onClose}
    >
      <div class="fields">
        <TextField
          label="Name"
          hint="Letters, digits, . _ and -"
          value={topic}
          onInput={setTopic}
          isMono
          required
        />
        <TextField
          label="Partitions"
          hint="What a group's members share; there can be more later, not fewer."
          type="number"
          value={count}
          error={error}
          onInput={setCount}
        />
      </div>
      <ConfigFields text={text} onChange={setText} />
    </Dialog>
  )
}
