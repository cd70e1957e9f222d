/** A topic as moving logs, one lane per partition, and the record that was picked out of it. */
import { useEffect, useMemo } from 'preact/hooks'
import type { Cell } from '../app/cell.js'
import { useParts } from '../app/parts.js'
import { useCell } from '../app/use-cell.js'
import { formatCount } from '../format.js'
import { GROUP, TOPIC } from '../names.js'
import { ActionButton } from '../shell/action-button.js'
import { Panel } from '../shell/panel.js'
import { Lane } from './lane.js'
import { LaneStage, type LaneSelection } from './lane-stage.js'
import { lanesOf, topicNames, type LaneView } from './lane-view.js'
import { RecordInspector } from './record-inspector.js'

/** @param chosen the topic that is shown */
export function LogsPanel({ chosen }: { chosen: Cell<string> }) {
  const { demo, actions } = useParts()
  const { state, verdict } = useCell(demo.shown)
  const topic = useCell(chosen)
  const picked = useCell(demo.picked)
  const selected = picked?.topic === topic ? picked : undefined
  const select = (wanted: LaneSelection) => demo.picked.set({ topic, ...wanted })
  const stage = useMemo(() => new LaneStage(), [])
  useEffect(() => () => stage.close(), [stage])
  const lanes = useMemo(() => (state === undefined ? [] : lanesOf(state, topic)), [state, topic])
  const spansOf = topic === TOPIC ? (verdict?.spansOf ?? noSpans) : undefined
  useEffect(() => stage.update({ lanes, selected, spansOf }))
  const names = state === undefined ? [] : topicNames(state)
  const choose = (
    <label class="topic-choice">
      <span class="hint">Topic</span>
      <select
        value={topic}
        onChange={({ currentTarget }) => {
          chosen.set(currentTarget.value)
          demo.picked.set(undefined)
        }}
      >
        {(names.includes(topic) ? names : [topic, ...names]).map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  )
  return (
    <Panel title="Partitions" class="logs-panel" aside={choose}>
      <Legend lanes={lanes} topic={topic} />
      <ol id="partitions" class="lanes">
        {lanes.map((view) => (
          <Lane
            key={view.partition}
            stage={stage}
            view={view}
            selected={selected?.partition === view.partition ? selected.offset : undefined}
            onSelect={select}
          />
        ))}
      </ol>
      {lanes.length === 0 && (
        <div class="buttons">
          <span class="hint">
            {state === undefined ? 'Waiting for the broker.' : `The topic ${topic} is gone.`}
          </span>
          {state !== undefined && topic === TOPIC && (
            <ActionButton doing="make the topic" onClick={() => void actions.makeTopicAgain()}>
              Make it again
            </ActionButton>
          )}
        </div>
      )}
      <RecordInspector topic={topic} selected={selected} lanes={lanes} />
    </Panel>
  )
}

/** Of all its partitions together. */
function lagIn(lanes: readonly LaneView[], group: string): number {
  return lanes.reduce((sum, { marks }) => {
    return sum + (marks.find(({ groupId }) => groupId === group)?.lag ?? 0)
  }, 0)
}

function noSpans(): readonly [] {
  return []
}

function Legend({ lanes, topic }: { lanes: readonly LaneView[]; topic: string }) {
  const groups = (lanes[0]?.marks ?? []).map(({ groupId }) => groupId)
  return (
    <ul class="legend" aria-label="How to read the logs">
      <li>
        <span class="swatch waiting" aria-hidden="true" /> waiting
      </li>
      <li>
        <span class="swatch handled" aria-hidden="true" />
        {topic === TOPIC ? 'handled, in the colour of the tab that did it' : 'done'}
      </li>
      {groups.map((groupId, index) => (
        <li key={groupId}>
          <span aria-hidden="true">{index === 0 ? '▼' : '△'}</span> committed by {groupId}, lag{' '}
          <span class="legend-lag" data-lag-of={groupId}>
            {formatCount(lagIn(lanes, groupId))}
          </span>
        </li>
      ))}
      {groups.length === 0 && topic === TOPIC && <li>▼ committed by {GROUP}</li>}
    </ul>
  )
}
