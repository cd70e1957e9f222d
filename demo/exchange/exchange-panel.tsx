/** The exchange's panel: publishes under a routing key, and shows which queues got it. */
import { useState } from 'preact/hooks'
import { useParts } from '../app/parts.js'
import { useCell, useSelected } from '../app/use-cell.js'
import { formatCount, formatQuantity } from '../format.js'
import { Panel } from '../shell/panel.js'
import { exchangeStateOf } from './exchange-state.js'

export function ExchangePanel() {
  const { demo } = useParts()
  const state = useSelected(demo.shown, (shown) => shown.state)
  const result = useCell(demo.publisher.result)
  const [routingKey, setRoutingKey] = useState('order.eu.created')
  const exchange = state === undefined ? undefined : exchangeStateOf(state)
  return (
    <Panel title="An exchange" class="exchange-panel">
      <p class="hint">
        Who publishes names no queue. Each queue is bound by a pattern of routing keys:{' '}
        <code>*</code> is one word, <code>#</code> any number. All that match get the message, in
        one transaction.
      </p>
      <form
        class="inline-form"
        onSubmit={(event) => {
          event.preventDefault()
          void demo.publisher.publish(routingKey)
        }}
      >
        <label for="exchange-key">Routing key</label>
        <input
          id="exchange-key"
          type="text"
          autocomplete="off"
          value={routingKey}
          onInput={({ currentTarget }) => setRoutingKey(currentTarget.value)}
        />
        <button type="submit">Publish</button>
        <output id="exchange-result" class="result">
          {result}
        </output>
      </form>
      <ul id="exchange-queues" class="tabs">
        {exchange?.queues.map(({ topic, patterns, messages }) => (
          <li key={topic} class="tab">
            <h3>{topic}</h3>
            <code>{patterns.join(' or ')}</code>
            <p class="hint">{formatQuantity(messages, 'message')}</p>
          </li>
        ))}
      </ul>
      <p id="exchange-counts" class="hint">
        {exchange === undefined ? 'Nothing published yet.' : describeCounts(exchange)}
      </p>
    </Panel>
  )
}

function describeCounts({ published, dropped }: { published: number; dropped: number }): string {
  const lost = dropped === 0 ? '' : `, ${formatCount(dropped)} of them to nobody`
  return `${formatQuantity(published, 'message')} published since the broker started${lost}.`
}
