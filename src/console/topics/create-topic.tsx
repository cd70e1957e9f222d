/** Makes a topic. */
import { useState } from 'preact/hooks'
import { useConsole } from '../parts/console-context.js'
import { Dialog } from '../parts/dialog.js'
import { TextField } from '../parts/fields.js'
import { ConfigFields, DEFAULT_CONFIG_TEXT, textToConfig } from './topic-config-fields.js'

export function CreateTopic({ onClose }: { readonly onClose: () => void }) {
  const { writer, notify, go } = useConsole()
  const [topic, setTopic] = useState('')
  const [count, setCount] = useState('1')
  const [text, setText] = useState(DEFAULT_CONFIG_TEXT)
  const { config, errors } = textToConfig(text)
  const create = async () => {
    const numPartitions = Number(count)
    await writer?.admin().createTopics({ topics: [{ topic, numPartitions, config }] })
    notify(`Topic ${topic} was made.`)
    go({ view: 'topics', name: topic })
  }
  return (
    <Dialog
      title="New topic"
      action="Make topic"
      canSubmit={topic !== '' && count !== '' && Object.keys(errors).length === 0}
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
          min={1}
          value={count}
          onInput={setCount}
        />
      </div>
      <ConfigFields text={text} onChange={setText} />
    </Dialog>
  )
}
