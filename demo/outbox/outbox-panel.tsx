/** The outbox: saves orders, and shows how many of them wait for the network. */
import { useParts } from '../app/parts.js'
import { useCell, useSelected } from '../app/use-cell.js'
import { formatCount } from '../format.js'
import { ActionButton } from '../shell/action-button.js'
import { Fact, Facts } from '../shell/facts.js'
import { Panel } from '../shell/panel.js'
import { outboxStateOf } from './outbox-state.js'

const AT_ONCE = 10

export function OutboxPanel() {
  const { outbox, shown } = useParts().demo
  const state = useSelected(shown, (one) => one.state)
  const isOnline = useCell(outbox.isOnline)
  const line = useCell(outbox.line.cell)
  const { saved, waiting, underWay } =
    state === undefined ? { saved: 0, waiting: 0, underWay: 0 } : outboxStateOf(state)
  return (
    <Panel title="An outbox" class="outbox-panel">
      <p class="hint">
        What is saved is in the topic at once, online or not. Whichever tab is there sends it on, in
        order per customer, as soon as there is a network. Here that is a small request to this
        page’s own server for each order.
      </p>
      <div class="buttons">
        <ActionButton doing="save orders" onClick={() => void outbox.save(AT_ONCE)}>
          Save {AT_ONCE} orders
        </ActionButton>
        <button
          type="button"
          aria-pressed={line === 'cut'}
          onClick={() => outbox.line.set(line === 'cut' ? 'connected' : 'cut')}
        >
          {line === 'cut' ? 'Connect the line' : 'Cut the line'}
        </button>
      </div>
      <Facts>
        <Fact name="Network" id="outbox-network" state={isOnline ? 'online' : 'offline'}>
          {isOnline ? 'online' : 'offline'}
        </Fact>
        <Fact name="Saved" id="outbox-saved">
          {formatCount(saved)}
        </Fact>
        <Fact name="Waiting" id="outbox-waiting">
          {formatCount(waiting + underWay)}
        </Fact>
        <Fact name="Sent on" id="outbox-sent">
          {formatCount(saved - waiting - underWay)}
        </Fact>
      </Facts>
    </Panel>
  )
}
