/** Sends one message, written by hand, and shows where it went. */
import { useState } from 'preact/hooks'
import { useParts } from '../app/parts.js'
import { useSelected } from '../app/use-cell.js'
import { Panel } from '../shell/panel.js'
import { parseValue } from './parse-value.js'

export function ProduceForm() {
  const { demo } = useParts()
  const { messages, sender } = demo
  const partitions = useSelected(demo.shown, ({ view }) => view?.partitions.length) ?? 0
  const [key, setKey] = useState('')
  const [partition, setPartition] = useState('')
  const [text, setText] = useState('{"hello": "world"}')
  const [result, setResult] = useState('')

  // The topic may have fewer of them than when it was chosen.
  const place = Number(partition) < partitions ? partition : ''

  const send = async () => {
    messages.forget('clear')
    let said = 'Not sent.'
    await messages.attempt('message', 'The message was not sent', async () => {
      const { value, wasText } = parseValue(text)
      const at = place === '' ? {} : { partition: Number(place) }
      const [where] = await sender.send([{ key: key === '' ? undefined : key, value, ...at }])
      if (where === undefined) return
      const how = wasText ? 'Sent as text' : 'Sent as JSON'
      said = `${how}: partition ${where.partition}, offset ${where.baseOffset}.`
    })
    setResult(said)
  }

  return (
    <Panel title="Send one message" class="produce-panel">
      <form
        class="produce"
        onSubmit={(event) => {
          event.preventDefault()
          void send()
        }}
      >
        <p class="field">
          <label for="produce-key">Key</label>
          <input
            id="produce-key"
            type="text"
            autocomplete="off"
            placeholder="none"
            value={key}
            onInput={({ currentTarget }) => setKey(currentTarget.value)}
          />
        </p>
        <p class="field">
          <label for="produce-partition">Partition</label>
          <select
            id="produce-partition"
            value={place}
            onChange={({ currentTarget }) => setPartition(currentTarget.value)}
          >
            <option value="">by key</option>
            {Array.from({ length: partitions }, (_, number) => (
              <option key={number} value={String(number)}>
                {number}
              </option>
            ))}
          </select>
        </p>
        <p class="field wide">
          <label for="produce-value">Value, JSON or text</label>
          <textarea
            id="produce-value"
            rows={2}
            spellcheck={false}
            value={text}
            onInput={({ currentTarget }) => setText(currentTarget.value)}
          />
        </p>
        <div class="buttons wide">
          <button type="submit">Send</button>
          <output id="produce-result" class="result">
            {result}
          </output>
        </div>
      </form>
    </Panel>
  )
}
