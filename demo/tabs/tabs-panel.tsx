/** The tabs that are connected, as cards: what each is doing, and how it is. */
import { useParts } from '../app/parts.js'
import { useCell } from '../app/use-cell.js'
import { formatDuration, formatRate, formatShortCount } from '../format.js'
import { ActionButton } from '../shell/action-button.js'
import { Panel } from '../shell/panel.js'
import { TabLabel } from '../shell/tab-label.js'
import { tabMarks } from '../shell/tab-marks.js'
import type { TabCard, TabPresence } from './tab-roster.js'

export function TabsPanel() {
  const { demo, actions } = useParts()
  const { tabs, verdict } = useCell(demo.shown)
  const handledBy = ({ name }: TabCard) =>
    name.number === undefined ? 0 : (verdict?.handledByTab.get(name.number) ?? 0)
  const buttons = (
    <div class="buttons">
      <ActionButton doing="open tabs: 1" onClick={() => void actions.openTabs(1)}>
        Open a tab
      </ActionButton>
      <ActionButton doing="open tabs: 5" onClick={() => void actions.openTabs(5)}>
        Open five
      </ActionButton>
      <ActionButton doing="close a tab" onClick={() => void actions.closeTab()}>
        Close one
      </ActionButton>
    </div>
  )
  return (
    <Panel title="Tabs" class="tabs-panel" aside={buttons}>
      <p class="hint">
        Of several at once a browser may block all but one, until you allow pop-ups.
      </p>
      <ul id="tabs" class="tabs">
        {tabs.map((card) => (
          <Card
            key={card.name.text}
            card={card}
            isThis={card.name.number === demo.identity.number}
            handled={handledBy(card)}
          />
        ))}
      </ul>
    </Panel>
  )
}

function Card({ card, isThis, handled }: { card: TabCard; isThis: boolean; handled: number }) {
  const { name, presence, lag, report } = card
  return (
    <li
      class="tab"
      {...tabMarks(name)}
      data-tab={name.number}
      data-presence={presence}
      data-this={isThis ? '' : undefined}
    >
      <div class="tab-head">
        <h3>
          <TabLabel name={name} />
          {isThis && <span class="this-mark">this tab</span>}
        </h3>
        <span class="presence">{describePresence(card)}</span>
      </div>
      <Partitions card={card} />
      <dl class="tab-facts">
        <div>
          <dt>a second</dt>
          <dd>{formatRate(report?.perSecond ?? 0)}</dd>
        </div>
        <div>
          <dt>lag</dt>
          <dd>{formatShortCount(lag)}</dd>
        </div>
        <div>
          <dt>handled</dt>
          <dd>{formatShortCount(handled)}</dd>
        </div>
      </dl>
      <p class="tab-foot" data-trouble={report?.trouble === undefined ? undefined : ''}>
        {report?.trouble ?? describeHeartbeat(card)}
      </p>
    </li>
  )
}

function Partitions({ card }: { card: TabCard }) {
  const { presence, isMember, partitions } = card
  if (presence === 'gone') return <p class="tab-partitions hint">Gone.</p>
  if (!isMember) return <p class="tab-partitions hint">Its worker is stopped.</p>
  if (partitions.length === 0) return <p class="tab-partitions hint">No partition.</p>
  return (
    <p class="tab-partitions">
      <span class="visually-hidden">Partitions {partitions.join(', ')}</span>
      <span class="chips" aria-hidden="true">
        {partitions.map((partition) => (
          <i key={partition}>{partition}</i>
        ))}
      </span>
    </p>
  )
}

const PRESENCE: Readonly<Record<TabPresence, string>> = {
  visible: 'visible',
  hidden: 'hidden',
  frozen: 'frozen',
  silent: 'silent',
  gone: 'gone',
}

function describePresence({ presence, silentMs }: TabCard): string {
  const text = PRESENCE[presence]
  return presence === 'silent' ? `${text} for ${formatDuration(silentMs)}` : text
}

/** As of its last report: a tab that is silent does not say that the broker hears of it. */
function describeHeartbeat({ report, presence }: TabCard): string {
  if (presence === 'gone') return 'No heartbeat any more.'
  if (report?.heartbeatAtMs === undefined) return 'No heartbeat yet.'
  return `Heartbeat ${formatDuration(Math.max(0, Date.now() - report.heartbeatAtMs))} ago.`
}
