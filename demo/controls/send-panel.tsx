/** Ways to send more than one message: at a rate, a data set, a file. */
import { useState } from 'preact/hooks'
import { useParts } from '../app/parts.js'
import { useCell } from '../app/use-cell.js'
import { DATA_SETS, SAMPLE } from '../datasets/data-sets.js'
import { formatCount } from '../format.js'
import { FilePart } from '../sending/file-part.js'
import { RATE_MAX } from '../sending/generator.js'
import { ActionButton } from '../shell/action-button.js'
import { Panel } from '../shell/panel.js'

export function SendPanel() {
  return (
    <Panel title="Send" class="send-panel">
      <Rate />
      <DataSets />
      <FilePart />
    </Panel>
  )
}

const SLIDER_STEPS = 100

/** The slider is logarithmic: as far from one to ten as from a thousand to ten thousand. */
function Rate() {
  const { generator } = useParts().demo
  const rate = useCell(generator.rate)
  const isOn = useCell(generator.isOn)
  const step = Math.round((Math.log(rate) / Math.log(RATE_MAX)) * SLIDER_STEPS)
  const setStep = (value: number) =>
    generator.setRate(roundedTo(Math.exp((value / SLIDER_STEPS) * Math.log(RATE_MAX))))
  const setRate = (field: HTMLInputElement) => {
    generator.setRate(Number(field.value) || 1)
    // It may be what it was, and then nothing is drawn again.
    field.value = String(generator.rate.value)
  }
  return (
    <div class="rate">
      <label for="rate">Messages a second</label>
      <input
        id="rate-number"
        type="number"
        min={1}
        max={RATE_MAX}
        aria-label="Messages a second, as a number"
        value={rate}
        onChange={({ currentTarget }) => setRate(currentTarget)}
      />
      <input
        id="rate"
        type="range"
        min={0}
        max={SLIDER_STEPS}
        value={step}
        aria-valuetext={formatCount(rate)}
        onInput={({ currentTarget }) => setStep(Number(currentTarget.value))}
      />
      <button
        type="button"
        class={isOn ? '' : 'primary'}
        aria-pressed={isOn}
        onClick={() => generator.toggle()}
      >
        {isOn ? 'Stop' : 'Start'}
      </button>
    </div>
  )
}

function DataSets() {
  const { actions } = useParts()
  const [id, setId] = useState(SAMPLE.id)
  const chosen = DATA_SETS.find((one) => one.id === id) ?? SAMPLE
  return (
    <div class="data-sets">
      <label for="data-set">Real data</label>
      <select id="data-set" value={id} onChange={({ currentTarget }) => setId(currentTarget.value)}>
        {DATA_SETS.map(({ id: value, title }) => (
          <option key={value} value={value}>
            {title}
          </option>
        ))}
      </select>
      <ActionButton
        doing={`send the data set ${chosen.id}`}
        onClick={() => void actions.sendDataSet(chosen)}
      >
        Send it
      </ActionButton>
      <p class="hint">
        By {chosen.key.toLowerCase()}. Source: {chosen.source}.
      </p>
    </div>
  )
}

/** To two digits, as one would choose it. */
function roundedTo(value: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(value)) - 1)
  return Math.round(value / unit) * unit
}
