/** One topic: its partitions, who reads it, and what can be done to it. */
import { useState } from 'preact/hooks'
import type { PartitionState, TopicState } from '../../index.js'
import { formatBytes, formatCount, formatDuration, formatRate } from '../format/format.js'
import { useCluster, useConsole } from '../parts/console-context.js'
import { DataTable, type Column } from '../parts/data-table.js'
import { Back, Empty, Facts } from '../parts/facts.js'
import { AddPartitions, ChangeConfig } from './change-topic.js'
import { DeleteMessages, DeleteTopic } from './delete-topic.js'
import { topicFigures, topicReaders, type TopicReader } from './topic-figures.js'

type Open = 'config' | 'partitions' | 'messages' | 'topic' | undefined

export function TopicPage({ name }: { readonly name: string }) {
  const { go } = useConsole()
  const topic = useCluster().topics.find((one) => one.topic === name)
  const back = <Back to="All topics" onClick={() => go({ view: 'topics' })} />
  if (topic === undefined) {
    return (
      <>
        {back}
        <Empty>
          <p>There is no topic “{name}”, or not any more.</p>
        </Empty>
      </>
    )
  }
  return (
    <>
      {back}
      <Topic topic={topic} />
    </>
  )
}

function Topic({ topic }: { readonly topic: TopicState }) {
  const { go, state, writer } = useConsole()
  const [open, setOpen] = useState<Open>()
  const { messages, sizeBytes } = topicFigures(topic)
  const { retentionMs, retentionBytes, maxMessageBytes, dedupWindowMs } = topic.config
  const close = () => setOpen(undefined)
  return (
    <>
      <div class="head">
        <h2>{topic.topic}</h2>
        <button type="button" onClick={() => go({ view: 'messages', name: topic.topic })}>
          Browse messages
        </button>
        {writer !== undefined && (
          <>
            <button type="button" onClick={() => setOpen('config')}>
              Change config
            </button>
            <button type="button" onClick={() => setOpen('partitions')}>
              Add partitions
            </button>
            <button type="button" class="danger" onClick={() => setOpen('messages')}>
              Delete messages
            </button>
            <button type="button" class="danger" onClick={() => setOpen('topic')}>
              Delete topic
            </button>
          </>
        )}
      </div>
      <Facts
        facts={[
          ['Messages', formatCount(messages)],
          ['Size', formatBytes(sizeBytes)],
          ['Rate', formatRate(state.rates.topics.get(topic.topicId) ?? 0)],
          ['Kept for', retentionMs === null ? 'good' : formatDuration(retentionMs)],
          [
            'Kept up to, each partition',
            retentionBytes === null ? 'any size' : formatBytes(retentionBytes),
          ],
          ['Largest message', formatBytes(maxMessageBytes)],
          [
            'Message ids known for',
            dedupWindowMs === null ? 'no time' : formatDuration(dedupWindowMs),
          ],
          ['Repeats not stored', formatCount(topic.deduplicated)],
        ]}
      />
      <Partitions topic={topic} />
      <Readers topic={topic.topic} />
      {open === 'config' && <ChangeConfig topic={topic} onClose={close} />}
      {open === 'partitions' && <AddPartitions topic={topic} onClose={close} />}
      {open === 'messages' && <DeleteMessages topic={topic} onClose={close} />}
      {open === 'topic' && <DeleteTopic topic={topic} onClose={close} />}
    </>
  )
}

function Partitions({ topic }: { readonly topic: TopicState }) {
  const { go } = useConsole()
  const columns: readonly Column<PartitionState>[] = [
    {
      title: 'Partition',
      order: ({ partition }) => partition,
      cell: ({ partition }) => (
        <button
          type="button"
          class="link"
          onClick={() => go({ view: 'messages', name: topic.topic, partition })}
        >
          {partition}
          <span class="hidden">: its messages</span>
        </button>
      ),
    },
    {
      title: 'Log start',
      isNumber: true,
      order: (one) => one.logStartOffset,
      cell: (one) => formatCount(one.logStartOffset),
    },
    {
      title: 'Readable up to',
      isNumber: true,
      order: (one) => one.highWatermark,
      cell: (one) => formatCount(one.highWatermark),
    },
    {
      title: 'Log end',
      isNumber: true,
      order: (one) => one.logEndOffset,
      cell: (one) => formatCount(one.logEndOffset),
    },
    {
      title: 'Messages',
      isNumber: true,
      order: (one) => one.logEndOffset - one.logStartOffset,
      cell: (one) => formatCount(one.logEndOffset - one.logStartOffset),
    },
    {
      title: 'Size',
      isNumber: true,
      order: (one) => one.sizeBytes,
      cell: (one) => formatBytes(one.sizeBytes),
    },
  ]
  return (
    <section class="section">
      <h3>Partitions</h3>
      <DataTable
        caption="Partitions"
        columns={columns}
        rows={topic.partitions}
        rowKey={({ partition }) => String(partition)}
      />
    </section>
  )
}

function Readers({ topic }: { readonly topic: string }) {
  const { go } = useConsole()
  const readers = topicReaders(useCluster(), topic)
  const columns: readonly Column<TopicReader>[] = [
    {
      title: 'Group',
      cell: ({ groupId, type }) => (
        <button
          type="button"
          class="link"
          onClick={() => go({ view: type === 'share' ? 'share-groups' : 'groups', name: groupId })}
        >
          {groupId}
        </button>
      ),
    },
    {
      title: 'Deals out',
      cell: ({ type }) => (type === 'share' ? 'messages (share group)' : 'partitions'),
    },
    { title: 'Lag', isNumber: true, cell: ({ lag }) => formatCount(lag) },
  ]
  return (
    <section class="section">
      <h3>Groups that read it</h3>
      {readers.length === 0 ? (
        <p class="muted">None has joined or committed anything yet.</p>
      ) : (
        <DataTable
          caption="Groups that read it"
          columns={columns}
          rows={readers}
          rowKey={({ groupId }) => groupId}
        />
      )}
    </section>
  )
}
