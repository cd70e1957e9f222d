/** Sends one message. */
import { useState } from 'preact/hooks'
import { useConsole } from '../parts/console-context.js'
import { Dialog } from '../parts/dialog.js'
import { SelectField, TextField } from '../parts/fields.js'
import { EMPTY_MESSAGE, toMessage, type MessageText, type ValueKind } from './typed-message.js'

const KINDS: readonly (readonly [ValueKind, string])[] = [
  ['json', 'JSON'],
  ['text', 'Text'],
  ['hex', 'Bytes, as hex'],
  ['null', 'null (tombstone)'],
]

export interface ProduceDialogProps {
  readonly topic: string
  readonly onClose: () => void
  readonly onSent: () => void
}

export function ProduceDialog({ topic, onClose, onSent }: ProduceDialogProps) {
  const { writer, notify } = useConsole()
  const [text, setText] = useState(EMPTY_MESSAGE)
  const { message, errors } = toMessage(text)
  const change = (part: Partial<MessageText>) => setText({ ...text, ...part })
  const send = async () => {
    if (writer === undefined) return
    const producer = writer.producer({ acks: -1 })
    const [sent] = await producer
      .send({ topic, messages: [message] })
      .finally(() => void producer.disconnect())
    const where = `${topic}, partition ${sent?.partition}, offset ${sent?.baseOffset}`
    notify(sent?.duplicate ? `It was there already: ${where}.` : `Sent: ${where}.`)
    onSent()
  }
  const field = (name: keyof MessageText, label: string, hint?: string) => (
    <TextField
      label={label}
      value={text[name]}
      error={errors[name]}
      onInput={(value) => change({ [name]: value })}
      isMono
      {...(hint === undefined ? {} : { hint })}
    />
  )
  return (
    <Dialog
      title={`Send to ${topic}`}
      action="Send"
      canSubmit={Object.keys(errors).length === 0}
      onSubmit={send}
      onClose={onClose}
    >
      <div class="fields">
        {field('key', 'Key', 'Empty: none.')}
        <SelectField
          label="Value is"
          value={text.kind}
          options={KINDS}
          onChange={(kind) => change({ kind })}
        />
      </div>
      {text.kind !== 'null' && (
        <TextField
          label="Value"
          rows={6}
          value={text.value}
          error={errors.value}
          onInput={(value) => change({ value })}
          isMono
        />
      )}
      <TextField
        label="Headers"
        hint="One “name: value” a line."
        rows={2}
        value={text.headers}
        error={errors.headers}
        onInput={(headers) => change({ headers })}
        isMono
      />
      <div class="fields">
        {field('partition', 'Partition', 'Empty: as the key says.')}
        {field('messageId', 'Message id')}
        {field('delay', 'Deliver after', 'For share groups; such as 90s.')}
        {field('ttl', 'Of use for', 'For share groups; empty: for good.')}
        {field('priority', 'Priority', '0 to 9, for share groups.')}
      </div>
    </Dialog>
  )
}
