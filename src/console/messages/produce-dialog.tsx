/** Sends one message. */
import { useState } from 'preact/hooks'
import { useConsole } from '../parts/console-context.js'
import { Dialog } from '../parts/dialog.js'
import { SelectField, TextField } from '../parts/fields.js'
import { ValueAndHeaders, ValueKindField } from './message-fields.js'
import { EMPTY_MESSAGE, toMessage, type KeyKind, type MessageText } from './typed-message.js'

const KEY_KINDS: readonly (readonly [KeyKind, string])[] = [
  ['text', 'Text'],
  ['empty', 'The empty text'],
  ['hex', 'Bytes, as hex'],
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
        {text.keyKind !== 'empty' &&
          field('key', 'Key', text.keyKind === 'text' ? 'Empty: none.' : undefined)}
        <SelectField
          label="Key is"
          value={text.keyKind}
          options={KEY_KINDS}
          onChange={(keyKind) => change({ keyKind })}
        />
        <ValueKindField text={text} change={change} />
      </div>
      <ValueAndHeaders text={text} errors={errors} change={change} />
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
