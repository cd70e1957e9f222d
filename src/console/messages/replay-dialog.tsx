/** Sends messages that were selected once more. */
import { useState } from 'preact/hooks'
import type { Message, Tabmq } from '../../index.js'
import { formatQuantity } from '../format/format.js'
import { useCluster, useConsole } from '../parts/console-context.js'
import { Dialog } from '../parts/dialog.js'
import { CheckField, SelectField } from '../parts/fields.js'
import type { MessageRow } from './message-scan.js'

const AT_ONCE = 500

export interface ReplayDialogProps {
  readonly topic: string
  readonly messages: readonly MessageRow[]
  readonly onClose: () => void
}

export function ReplayDialog({ topic, messages, onClose }: ReplayDialogProps) {
  const { writer, notify } = useConsole()
  const { topics } = useCluster()
  const [target, setTarget] = useState(topic)
  const [keepsPartitions, setKeepsPartitions] = useState(false)
  const sendable = messages.filter(({ undecoded }) => undecoded === undefined)
  const left = messages.length - sendable.length
  const replay = async () => {
    if (writer === undefined) return
    await sendAgain(writer, target, toMessages(sendable, keepsPartitions))
    notify(`${formatQuantity(sendable.length, 'message')} sent to ${target}.`)
  }
  return (
    <Dialog
      title={`Send ${formatQuantity(messages.length, 'message')} again?`}
      action="Send again"
      canSubmit={sendable.length > 0}
      onSubmit={replay}
      onClose={onClose}
    >
      <p>
        They are added at the end, in the order of the list, and every group that reads the topic
        handles them once more. Key, value, headers and priority stay as they are; time, message id,
        delay and expiry do not.
      </p>
      {left > 0 && (
        <p class="warn-text">
          {formatQuantity(left, 'message')} cannot be decoded, and so not be sent again.
        </p>
      )}
      <SelectField
        label="To topic"
        value={target}
        onChange={setTarget}
        options={topics.map(({ topic: name }) => [name, name] as const)}
      />
      <CheckField
        label="To the partitions of the same numbers, whatever the keys"
        value={keepsPartitions}
        onChange={setKeepsPartitions}
      />
    </Dialog>
  )
}

function toMessages(rows: readonly MessageRow[], keepsPartitions: boolean): Message[] {
  return rows.map(({ key, value, headers, priority, partition }) => ({
    key,
    value,
    headers,
    ...(priority === undefined ? {} : { priority }),
    ...(keepsPartitions ? { partition } : {}),
  }))
}

async function sendAgain(
  writer: Tabmq,
  topic: string,
  messages: readonly Message[],
): Promise<void> {
  const producer = writer.producer({ acks: -1 })
  try {
    for (let at = 0; at < messages.length; at += AT_ONCE) {
      await producer.send({ topic, messages: messages.slice(at, at + AT_ONCE) })
    }
  } finally {
    await producer.disconnect()
  }
}
