/** How many partitions the topic has, and how much of it is kept. */
import { useParts } from '../app/parts.js'
import { useSelected } from '../app/use-cell.js'
import { TOPIC } from '../names.js'
import { ActionButton } from '../shell/action-button.js'
import { describeKeptBytes, keptBytesChoices } from './kept-bytes.js'

const PARTITIONS_MAX = 16

export function TopicControls() {
  const { demo, actions } = useParts()
  const state = useSelected(demo.shown, (shown) => shown.state)
  const topic = state?.topics.find((one) => one.topic === TOPIC)
  const partitions = topic?.partitions.length ?? 0
  const kept = topic?.config.retentionBytes ?? null
  return (
    <div class="topic-controls">
      <p class="choice">
        <label for="retention">Keep</label>
        <select
          id="retention"
          value={String(kept)}
          onChange={({ currentTarget }) => {
            const { value } = currentTarget
            void actions.keepBytes(value === 'null' ? null : Number(value))
          }}
        >
          {keptBytesChoices(kept).map((bytes) => (
            <option key={String(bytes)} value={String(bytes)}>
              {describeKeptBytes(bytes)}
            </option>
          ))}
        </select>
      </p>
      <div class="buttons">
        <ActionButton
          doing="add partitions"
          disabled={partitions === 0 || partitions >= PARTITIONS_MAX}
          title="Keys may go to other partitions from then on."
          onClick={() => void actions.addPartitions()}
        >
          Add two partitions
        </ActionButton>
        <ActionButton doing="clear" class="danger" onClick={() => void actions.clear()}>
          Clear the topic
        </ActionButton>
      </div>
    </div>
  )
}
