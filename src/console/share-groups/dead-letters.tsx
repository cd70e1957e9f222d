/** Where a share group's dead letters are, and the way back for them. */
import { useState } from 'preact/hooks'
import type { ShareGroupDescription, Tabmq } from '../../index.js'
import { formatQuantity } from '../format/format.js'
import { useCluster, useConsole } from '../parts/console-context.js'
import { Dialog, type Done } from '../parts/dialog.js'
import { TextField } from '../parts/fields.js'
import { readWholeNumber } from '../parts/whole-number.js'
import { topicFigures } from '../topics/topic-figures.js'

export function DeadLetters({ group }: { readonly group: ShareGroupDescription }) {
  const { go, writer } = useConsole()
  const { topics } = useCluster()
  const [isOpen, setOpen] = useState(false)
  const name = group.options.deadLetterTopic
  const topic = topics.find((one) => one.topic === name)
  return (
    <section class="section">
      <h3>Dead letters</h3>
      {name === null ? (
        <p class="muted">
          The group has no topic for them: what is rejected or delivered too often is dropped.
        </p>
      ) : (
        <div class="row">
          <p class="fill break">
            They go to {name}
            {topic === undefined && ', which is not there yet'}
            {topic !== undefined && topicFigures(topic).messages === 0 && ', which is empty'}.
          </p>
          {topic !== undefined && (
            <button type="button" onClick={() => go({ view: 'messages', name })}>
              Show them
            </button>
          )}
          {topic !== undefined && writer !== undefined && (
            <button type="button" onClick={() => setOpen(true)}>
              Send back
            </button>
          )}
        </div>
      )}
      {isOpen && name !== null && <Redrive from={name} onClose={() => setOpen(false)} />}
    </section>
  )
}

interface RedriveProps {
  readonly from: string
  readonly onClose: () => void
}

function Redrive({ from, onClose }: RedriveProps) {
  const [text, setText] = useState('')
  const { number: max, error } = readWholeNumber(text, { min: 1, isOptional: true })
  const redrive = async (writer: Tabmq): Promise<Done> => {
    const moved = await writer.admin().redrive({ from, ...(max === undefined ? {} : { max }) })
    const none = 'None was sent back: those that there are were before, or have nowhere to go.'
    return { said: moved === 0 ? none : `${formatQuantity(moved, 'dead letter')} sent back.` }
  }
  return (
    <Dialog
      title={`Send dead letters of ${from} back?`}
      action="Send back"
      canSubmit={error === undefined}
      onSubmit={redrive}
      onClose={onClose}
    >
      <p>
        Each goes to the topic where it died, whichever group it was of, to be tried again from the
        first delivery; once only, however often this is asked for. It stays in {from} until
        retention takes it.
      </p>
      <TextField
        label="At most"
        hint="Empty: all."
        type="number"
        value={text}
        onInput={setText}
        error={error}
      />
    </Dialog>
  )
}
