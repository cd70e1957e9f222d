/** The broker itself, and its storage. A new incarnation means that it was started again. */
import { useParts } from '../app/parts.js'
import { useCell, useSelected } from '../app/use-cell.js'
import { formatBytes, formatShortId } from '../format.js'
import { ActionButton } from '../shell/action-button.js'
import { Fact, Facts } from '../shell/facts.js'
import { Panel } from '../shell/panel.js'

export function BrokerPanel() {
  const { demo } = useParts()
  const broker = useSelected(demo.shown, ({ view }) => view?.broker)
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
      </Facts>
      <Storage />
    </Panel>
  )
}

function Storage() {
  const { demo, actions } = useParts()
  const storage = useCell(demo.storage)
  const { usageBytes, quotaBytes, persisted } = storage ?? {}
  const used = usageBytes === undefined ? '–' : formatBytes(usageBytes)
  const quota = quotaBytes === undefined ? '' : ` of ${formatBytes(quotaBytes)}`
  return (
    <div class="storage">
      <p>
        <span class="hint">Storage used</span>{' '}
        <b id="broker-storage">
          {used}
          {quota}
        </b>
      </p>
      <meter
        min={0}
        max={quotaBytes ?? 1}
        high={(quotaBytes ?? 1) * 0.8}
        value={usageBytes ?? 0}
        aria-label="Storage used"
      />
      <p class="hint" id="broker-persisted">
        {persisted === true
          ? 'Persisted: the browser has promised to keep it.'
          : 'Not persisted: the browser may clear it when space is short.'}
      </p>
      {persisted !== true && (
        <div class="buttons">
          <ActionButton doing="keep storage" onClick={() => void actions.keepStorage()}>
            Ask it to keep it
          </ActionButton>
        </div>
      )}
    </div>
  )
}
