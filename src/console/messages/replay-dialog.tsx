/** Sends messages that were selected once more. */
import { useRef, useState } from 'preact/hooks'
import type { Tabmq } from '../../index.js'
import { formatCount, formatQuantity } from '../format/format.js'
import { useCluster } from '../parts/console-context.js'
import { Dialog, type Done } from '../parts/dialog.js'
import { CheckField, SelectField } from '../parts/fields.js'
import type { MessageRow } from './message-row.js'
import { Replay } from './replay.js'

export interface ReplayDialogProps {
  readonly topic: string
  readonly messages: readonly MessageRow[]
  readonly onClose: () => void
}

export function ReplayDialog({ topic, messages, onClose }: ReplayDialogProps) {
  const { topics } = useCluster()
  const names: readonly string[] = topics.map(({ topic: name }) => name)
  const [target, setTarget] = useState(names.includes(topic) ? topic : '')
  const [keepsPartitions, setKeepsPartitions] = useState(false)
  const [leavesOut, setLeavesOut] = useState(false)
  // What is to be sent is what was selected when the dialog was opened.
  const [sendable] = useState(() => messages.filter(({ undecoded }) => undecoded === undefined))
  const replay = useRef<Replay>(undefined)
  replay.current ??= new Replay(sendable)
  const own = replay.current
  const [, drawAgain] = useState(0)
  const left = messages.length - sendable.length

  const run = async (writer: Tabmq, signal: AbortSignal): Promise<Done> => {
    if (leavesOut) own.leaveOut()
    setLeavesOut(false)
    const producer = writer.producer({ acks: -1 })
    try {
      await own.run({ producer, topic: target, keepsPartitions, signal })
    } finally {
      drawAgain((count) => count + 1)
      await producer.disconnect()
    }
    const without = own.leftOut === 0 ? '' : ` ${formatCount(own.leftOut)} were left out.`
    return { said: `${formatQuantity(own.sent, 'message')} sent to ${target}.${without}` }
  }
  const isThere = names.includes(target)
  const options = names.map((name) => [name, name] as const)
  if (!isThere) options.unshift([target, target === '' ? 'Choose one' : `${target} (deleted)`])
  const isBegun = own.sent > 0
  return (
    <Dialog
      title={`Send ${formatQuantity(messages.length, 'message')} again?`}
      action={isBegun ? 'Send the rest' : 'Send again'}
      canSubmit={sendable.length > 0 && isThere}
      onSubmit={run}
      onClose={onClose}
    >
      <p>
        They are added at the end, the oldest first, and every group that reads the topic handles
        them once more. Key, value, headers and priority stay as they are; time, message id, delay
        and expiry do not.
      </p>
      {left > 0 && (
        <p class="warn-text">
          {formatQuantity(left, 'message')} cannot be decoded, and so not be sent again.
        </p>
      )}
      {isBegun ? (
        <p>
          {formatQuantity(own.sent, 'message')} went to {target}, and the rest goes there too.
        </p>
      ) : (
        <>
          <SelectField label="To topic" value={target} onChange={setTarget} options={options} />
          <CheckField
            label="To the partitions of the same numbers, whatever the keys"
            value={keepsPartitions}
            onChange={setKeepsPartitions}
          />
        </>
      )}
      {own.refused !== undefined && (
        <CheckField
          label={`Leave out the one at partition ${own.refused.partition}, offset ${own.refused.offset}`}
          value={leavesOut}
          onChange={setLeavesOut}
        />
      )}
    </Dialog>
  )
}
