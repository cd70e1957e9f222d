/** Deletes a topic, or messages of it. Both ask, and say what goes. */
import { useState } from 'preact/hooks'
import type { Tabmq } from '../../index.js'
import { formatBytes, formatCount, formatQuantity } from '../format/format.js'
import { useCluster } from '../parts/console-context.js'
import { Confirm, type Done } from '../parts/dialog.js'
import { SelectField, TextField } from '../parts/fields.js'
import { readWholeNumber } from '../parts/whole-number.js'
import type { ChangeProps } from './change-topic.js'
import { topicFigures, topicReaders } from './topic-figures.js'

export function DeleteTopic({ topic, onClose }: ChangeProps) {
  const cluster = useCluster()
  const { messages, sizeBytes } = topicFigures(topic)
  const readers = topicReaders(cluster, topic.topic)
  const bindings = cluster.exchanges.flatMap(({ exchange, bindings }) =>
    bindings.some((one) => one.topic === topic.topic) ? [exchange] : [],
  )
  const remove = async (writer: Tabmq): Promise<Done> => {
    await writer.admin().deleteTopics({ topics: [topic.topic] })
    return { said: `Topic ${topic.topic} was deleted.`, goTo: { view: 'topics' } }
  }
  const lost = [
    `${formatQuantity(messages, 'message')} in ${formatQuantity(topic.partitions.length, 'partition')} (${formatBytes(sizeBytes)})`,
    ...readers.map(
      ({ groupId, lag }) => `how far ${groupId} has come in it (${formatCount(lag)} left to do)`,
    ),
    ...bindings.map((exchange) => `the bindings of ${exchange} that lead to it`),
  ]
  return (
    <Confirm
      title={`Delete topic ${topic.topic}?`}
      action="Delete topic"
      lost={lost}
      onSubmit={remove}
      onClose={onClose}
    />
  )
}

export function DeleteMessages({ topic, onClose }: ChangeProps) {
  const [which, setWhich] = useState('all')
  const [before, setBefore] = useState('')
  const wanted = topic.partitions.filter(
    ({ partition }) => which === 'all' || String(partition) === which,
  )
  const { number: typed, error } = readWholeNumber(before, { isOptional: true })
  const ends = wanted.map(({ partition, logStartOffset, highWatermark }) => ({
    partition,
    offset: Math.min(Math.max(typed ?? highWatermark, logStartOffset), highWatermark),
    count: Math.max(0, Math.min(typed ?? highWatermark, highWatermark) - logStartOffset),
  }))
  const messages = ends.reduce((sum, { count }) => sum + count, 0)
  const remove = async (writer: Tabmq): Promise<Done> => {
    const partitions = ends.map(({ partition, offset }) => ({ partition, offset }))
    await writer.admin().deleteTopicRecords({ topic: topic.topic, partitions })
    return { said: `${formatQuantity(messages, 'message')} of ${topic.topic} deleted.` }
  }
  const where = which === 'all' ? 'in all partitions' : `in partition ${which}`
  return (
    <Confirm
      title={`Delete messages of ${topic.topic}?`}
      action="Delete messages"
      lost={
        error === undefined
          ? [`${formatQuantity(messages, 'message')} ${where}, for all groups`]
          : ['messages up to an offset that cannot be read yet']
      }
      canSubmit={error === undefined}
      onSubmit={remove}
      onClose={onClose}
    >
      <div class="fields">
        <SelectField
          label="Partition"
          value={which}
          onChange={setWhich}
          options={[
            ['all', 'All'],
            ...topic.partitions.map(({ partition }) => {
              const text = String(partition)
              return [text, text] as const
            }),
          ]}
        />
        <TextField
          label="Before offset"
          hint="Empty: all that are there now."
          type="number"
          value={before}
          onInput={setBefore}
          error={error}
        />
      </div>
    </Confirm>
  )
}
