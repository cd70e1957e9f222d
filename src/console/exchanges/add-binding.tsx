/** Leads messages from an exchange to a topic or to another exchange. */
import { useState } from 'preact/hooks'
import type { BindingToMake, ExchangeDescription, HeadersMatch, Tabmq } from '../../index.js'
import { useCluster } from '../parts/console-context.js'
import { Dialog, type Done } from '../parts/dialog.js'
import { SelectField, TextField } from '../parts/fields.js'
import { readWholeNumber } from '../parts/whole-number.js'

export interface AddBindingProps {
  readonly exchange: ExchangeDescription
  readonly onClose: () => void
}

export function AddBinding({ exchange: { exchange, type }, onClose }: AddBindingProps) {
  const { topics, exchanges } = useCluster()
  const targets = [
    ...topics.map(({ topic }) => [`topic ${topic}`, `topic ${topic}`] as const),
    ...exchanges.map(({ exchange: name }) => [`exchange ${name}`, `exchange ${name}`] as const),
  ]
  const [target, setTarget] = useState<string>(targets[0]?.[0] ?? '')
  const [routingKey, setRoutingKey] = useState('')
  const [headers, setHeaders] = useState('')
  const [match, setMatch] = useState<HeadersMatch>('all')
  const [weightText, setWeight] = useState('1')
  const parsed = parseHeaders(headers)
  const isWeighed = type === 'consistent-hash'
  const { number: weight, error: weightError } = readWholeNumber(weightText, { min: 1 })
  const bind = async (writer: Tabmq): Promise<Done> => {
    const space = target.indexOf(' ')
    const name = target.slice(space + 1)
    const options: BindingToMake = {
      exchange,
      ...(target.startsWith('topic ') ? { topic: name } : { toExchange: name }),
      ...(type === 'direct' || type === 'topic' ? { routingKey } : {}),
      ...(type === 'headers' ? { headers: parsed ?? {}, match } : {}),
      ...(isWeighed && weight !== undefined ? { weight } : {}),
    }
    await writer.admin().bind(options)
    return { said: `${exchange} leads to ${target} now.` }
  }
  return (
    <Dialog
      title={`Binding of ${exchange}`}
      action="Add binding"
      canSubmit={target !== '' && parsed !== undefined && !(isWeighed && weightError !== undefined)}
      onSubmit={bind}
      onClose={onClose}
    >
      <SelectField label="Leads to" value={target} options={targets} onChange={setTarget} />
      {(type === 'direct' || type === 'topic') && (
        <TextField
          label="Routing key"
          hint={
            type === 'topic'
              ? 'Words between dots: * is one word, # any number of them.'
              : 'Messages with this very key.'
          }
          value={routingKey}
          onInput={setRoutingKey}
          isMono
        />
      )}
      {type === 'headers' && (
        <>
          <TextField
            label="Headers"
            hint="One “name: value” a line."
            rows={3}
            value={headers}
            error={parsed === undefined ? 'Each line is “name: value”.' : undefined}
            onInput={setHeaders}
            isMono
          />
          <SelectField
            label="A message has"
            value={match}
            options={[
              ['all', 'all of them'],
              ['any', 'any of them'],
            ]}
            onChange={setMatch}
          />
        </>
      )}
      {isWeighed && (
        <TextField
          label="Weight"
          type="number"
          value={weightText}
          error={weightError}
          onInput={setWeight}
        />
      )}
      {type === 'fanout' && <p class="muted">A fanout exchange leads everything everywhere.</p>}
    </Dialog>
  )
}

function parseHeaders(text: string): Record<string, string> | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const pairs = lines.map((line) => {
    const colon = line.indexOf(':')
    return [line.slice(0, Math.max(colon, 0)).trim(), line.slice(colon + 1).trim()] as const
  })
  return pairs.some(([name]) => name === '') ? undefined : Object.fromEntries(pairs)
}
