/** The group of all the tabs: how it works, and where it is. */
import { useId, useState } from 'preact/hooks'
import { useParts } from '../app/parts.js'
import type { SharedSetting } from '../app/shared-setting.js'
import type { ResetTo } from '../app/topic.js'
import { useCell } from '../app/use-cell.js'
import { SECOND_GROUP } from '../names.js'
import { ActionButton } from '../shell/action-button.js'
import { Panel } from '../shell/panel.js'
import { TopicControls } from './topic-controls.js'

export function GroupPanel() {
  const { demo, actions } = useParts()
  const isSecondOn = useCell(demo.secondGroup.isOn)
  return (
    <Panel title="Group and topic" class="group-panel">
      <WorkTime />
      <Choice
        label="Assignor"
        setting={demo.assignor}
        values={['uniform', 'range', 'roundrobin', 'sticky']}
      />
      <Choice label="Members" setting={demo.membership} values={['dynamic', 'static']} />
      <Reset />
      <div class="buttons">
        <button type="button" onClick={() => actions.stopAll()}>
          Stop all workers
        </button>
        <button type="button" onClick={() => actions.startAll()}>
          Start all workers
        </button>
        <button
          type="button"
          aria-pressed={isSecondOn}
          title={`The group ${SECOND_GROUP}, in this tab: it reads the same topic, with its own progress.`}
          onClick={() => void actions.toggleSecondGroup()}
        >
          Second group
        </button>
      </div>
      <TopicControls />
    </Panel>
  )
}

function WorkTime() {
  const { workMs } = useParts().demo
  const ms = useCell(workMs.cell)
  return (
    <p class="field">
      <label for="work-ms">Work per message</label>
      <input
        id="work-ms"
        type="range"
        min="0"
        max="50"
        step="1"
        value={ms}
        onInput={({ currentTarget }) => workMs.set(Number(currentTarget.value))}
      />
      <output for="work-ms" class="work-ms">
        {ms} ms
      </output>
    </p>
  )
}

function Choice<T extends string>(props: {
  label: string
  setting: SharedSetting<T>
  values: readonly T[]
}) {
  const { label, setting, values } = props
  const id = useId()
  const chosen = useCell(setting.cell)
  return (
    <p class="choice">
      <label for={id}>{label}</label>
      <select
        id={id}
        value={chosen}
        onChange={({ currentTarget }) => {
          const value = values.find((one) => one === currentTarget.value)
          if (value !== undefined) setting.set(value)
        }}
      >
        {values.map((value) => (
          <option key={value} value={value}>
            {value}
          </option>
        ))}
      </select>
    </p>
  )
}

type Place = 'earliest' | 'latest' | 'minute' | 'time'

function Reset() {
  const { actions } = useParts()
  const [place, setPlace] = useState<Place>('earliest')
  const [time, setTime] = useState('')
  const reset = () => void actions.reset(resetTo(place, time))
  return (
    <form
      class="choice reset"
      onSubmit={(event) => {
        event.preventDefault()
        reset()
      }}
    >
      <label for="reset-to">Offsets to</label>
      <select
        id="reset-to"
        value={place}
        onChange={({ currentTarget }) => setPlace(currentTarget.value as Place)}
      >
        <option value="earliest">the beginning</option>
        <option value="latest">the end</option>
        <option value="minute">a minute ago</option>
        <option value="time">a time…</option>
      </select>
      <ActionButton doing="reset" type="submit" disabled={place === 'time' && time === ''}>
        Reset
      </ActionButton>
      {place === 'time' && (
        <input
          type="datetime-local"
          step="1"
          aria-label="The time to reset to"
          value={time}
          onInput={({ currentTarget }) => setTime(currentTarget.value)}
        />
      )}
    </form>
  )
}

function resetTo(place: Place, time: string): ResetTo {
  switch (place) {
    case 'earliest':
    case 'latest':
      return place
    case 'minute':
      return { timestampMs: Date.now() - 60_000 }
    case 'time':
      return { timestampMs: new Date(time).getTime() }
  }
}
