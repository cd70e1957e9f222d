/** Publishes one message to an exchange, and says where its bindings led it. */
import { useState } from 'preact/hooks'
import type { ExchangeDescription, Tabmq } from '../../index.js'
import { ValueAndHeaders, ValueKindField } from '../messages/message-fields.js'
import { EMPTY_MESSAGE, toMessage, type MessageText } from '../messages/typed-message.js'
import { Dialog, type Done } from '../parts/dialog.js'
import { CheckField, TextField } from '../parts/fields.js'

export interface PublishMessageProps {
  readonly exchange: ExchangeDescription
  readonly onClose: () => void
}

export function PublishMessage({ exchange: { exchange, type }, onClose }: PublishMessageProps) {
  const [text, setText] = useState(EMPTY_MESSAGE)
  const [routingKey, setRoutingKey] = useState('')
  const [mandatory, setMandatory] = useState(true)
  const { message, errors } = toMessage(text)
  const change = (part: Partial<MessageText>) => setText({ ...text, ...part })
  const publish = async (writer: Tabmq): Promise<Done> => {
    const producer = writer.producer({ acks: -1 })
    // An exchange of the type headers goes by those of the publication.
    const { headers = {}, ...rest } = message
    const stored = await producer
      .publish({ exchange, routingKey, headers, messages: [rest], mandatory })
      .finally(() => void producer.disconnect())
    const places = stored.map(
      ({ topic, partition, baseOffset }) => `${topic} ${partition} at ${baseOffset}`,
    )
    if (places.length === 0) return { said: `Published to ${exchange}: it went nowhere.` }
    return { said: `Published to ${exchange}: ${places.join(', ')}.` }
  }
  return (
    <Dialog
      title={`Publish to ${exchange}`}
      action="Publish"
      canSubmit={Object.keys(errors).length === 0}
      onSubmit={publish}
      onClose={onClose}
    >
      <div class="fields">
        {type !== 'fanout' && type !== 'headers' && (
          <TextField label="Routing key" value={routingKey} onInput={setRoutingKey} isMono />
        )}
        <TextField
          label="Key"
          hint="Empty: none."
          value={text.key}
          error={errors.key}
          onInput={(key) => change({ key })}
          isMono
        />
        <ValueKindField text={text} change={change} />
      </div>
      <ValueAndHeaders text={text} errors={errors} change={change} />
      <CheckField
        label="Refuse it when nothing leads it on"
        value={mandatory}
        onChange={setMandatory}
      />
    </Dialog>
  )
}
