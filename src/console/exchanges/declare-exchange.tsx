/** Makes an exchange. */
import { useState } from 'preact/hooks'
import type { ExchangeType, Tabmq } from '../../index.js'
import { useCluster } from '../parts/console-context.js'
import { Dialog, type Done } from '../parts/dialog.js'
import { SelectField, TextField } from '../parts/fields.js'

const TYPES: readonly (readonly [ExchangeType, string])[] = [
  ['direct', 'direct: the routing keys are equal'],
  ['topic', 'topic: a pattern of words, * and #'],
  ['fanout', 'fanout: by every binding'],
  ['headers', 'headers: by the message’s headers'],
  ['consistent-hash', 'consistent-hash: by one binding, always the same'],
]

export function DeclareExchange({ onClose }: { readonly onClose: () => void }) {
  const { exchanges } = useCluster()
  const [exchange, setExchange] = useState('')
  const [type, setType] = useState<ExchangeType>('direct')
  const [alternate, setAlternate] = useState('')
  const declare = async (writer: Tabmq): Promise<Done> => {
    await writer.admin().declareExchange({
      exchange,
      type,
      ...(alternate === '' ? {} : { alternateExchange: alternate }),
    })
    return {
      said: `Exchange ${exchange} was made.`,
      goTo: { view: 'exchanges', name: exchange },
    }
  }
  return (
    <Dialog
      title="New exchange"
      action="Make exchange"
      canSubmit={exchange !== ''}
      onSubmit={declare}
      onClose={onClose}
    >
      <TextField label="Name" value={exchange} onInput={setExchange} isMono required />
      <SelectField label="Type" value={type} options={TYPES} onChange={setType} />
      <SelectField
        label="What no binding leads on goes to"
        value={alternate}
        options={[
          ['', 'nowhere'],
          ...exchanges.map(({ exchange: name }) => [name, name] as [string, string]),
        ]}
        onChange={setAlternate}
      />
    </Dialog>
  )
}
