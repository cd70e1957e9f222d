/** The tabs that are connected, as cards with their partitions. */
import { useParts } from '../app/parts.js'
import { useCell } from '../app/use-cell.js'
import type { TabView } from '../cluster/cluster-view.js'
import { formatCount } from '../format.js'
import { Panel } from '../shell/panel.js'
import { TabLabel } from '../shell/tab-label.js'
import { tabMarks } from '../shell/tab-marks.js'

export function TabsPanel() {
  const { demo, actions } = useParts()
  const { view, verdict } = useCell(demo.shown)
  const tabs = view?.tabs ?? []
  const buttons = (
    <div class="buttons">
      <button type="button" onClick={() => actions.stopAll()}>
        Stop all workers
      </button>
      <button type="button" onClick={() => actions.startAll()}>
        Start all workers
      </button>
    </div>
  )
  return (
    <Panel title="Tabs" class="tabs-panel" aside={buttons}>
      <ul id="tabs" class="tabs">
        {tabs.map((tab) => (
          <TabCard
            key={tab.name.text}
            tab={tab}
            isThis={tab.name.number === demo.identity.number}
            handled={handledBy(tab, verdict?.handledByTab)}
          />
        ))}
      </ul>
    </Panel>
  )
}

function handledBy({ name }: TabView, handled: ReadonlyMap<number, number> | undefined): number {
  return name.number === undefined ? 0 : (handled?.get(name.number) ?? 0)
}

function TabCard({ tab, isThis, handled }: { tab: TabView; isThis: boolean; handled: number }) {
  return (
    <li class="tab" {...tabMarks(tab.name)} data-tab={tab.name.number}>
      <div class="tab-head">
        <h3>
          <TabLabel name={tab.name} />
        </h3>
        {isThis && <span class="this-mark">this tab</span>}
      </div>
      <p class="tab-partitions">{describePartitions(tab)}</p>
      <p class="hint">{formatCount(handled)} handled</p>
    </li>
  )
}

function describePartitions({ isMember, partitions }: TabView): string {
  if (!isMember) return 'Its worker is stopped.'
  if (partitions.length === 0) return 'No partition at the moment.'
  return `${partitions.length === 1 ? 'Partition' : 'Partitions'} ${partitions.join(', ')}`
}
