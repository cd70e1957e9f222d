/** The broker itself. A new incarnation means that it was started again. */
import { useParts } from '../app/parts.js'
import { useCell, useSelected } from '../app/use-cell.js'
import { formatBytes, formatShortId } from '../format.js'
import { Fact, Facts } from '../shell/facts.js'
import { Panel } from '../shell/panel.js'

export function BrokerPanel() {
  const { demo } = useParts()
  const broker = useSelected(demo.shown, ({ view }) => view?.broker)
  const storage = useCell(demo.storage)
  return (
    <Panel title="Broker" class="broker-panel">
      <Facts>
        <Fact name="Incarnation" id="broker-incarnation" title={broker?.incarnation}>
          <code>{broker === undefined ? '–' : formatShortId(broker.incarnation)}</code>
        </Fact>
        <Fact name="Epoch" id="broker-epoch">
          {broker?.epoch ?? '–'}
        </Fact>
        <Fact name="Group" id="broker-group">
          {broker?.groupState ?? '–'}
        </Fact>
        <Fact name="Log size">{broker === undefined ? '–' : formatBytes(broker.logBytes)}</Fact>
        <Fact name="Storage used">
          {storage?.usageBytes === undefined ? '–' : formatBytes(storage.usageBytes)}
          {storage?.quotaBytes === undefined ? '' : ` of ${formatBytes(storage.quotaBytes)}`}
        </Fact>
      </Facts>
    </Panel>
  )
}
