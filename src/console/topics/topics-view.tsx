/** All topics, or one of them. */
import { useState } from 'preact/hooks'
import type { TopicState } from '../../index.js'
import { formatBytes, formatCount, formatRate } from '../format/format.js'
import { useCluster, useConsole } from '../parts/console-context.js'
import { DataTable, type Column } from '../parts/data-table.js'
import { Empty } from '../parts/facts.js'
import { CreateTopic } from './create-topic.js'
import { configText, topicFigures, topicReaders } from './topic-figures.js'
import { TopicPage } from './topic-page.js'

export function TopicsView() {
  const { route } = useConsole()
  return route.name === undefined ? <TopicList /> : <TopicPage name={route.name} />
}

function TopicList() {
  const { writer } = useConsole()
  const { topics } = useCluster()
  const [isCreating, setCreating] = useState(false)
  const create = writer !== undefined && (
    <button type="button" class="primary" onClick={() => setCreating(true)}>
      New topic
    </button>
  )
  return (
    <>
      <div class="head">
        <h2>Topics</h2>
        {topics.length > 0 && create}
      </div>
      {topics.length === 0 ? (
        <Empty>
          <p>This broker has no topics.</p>
          <p class="muted">
            A topic is made by an app, with <code>admin.createTopics</code>
            {writer !== undefined && ', or here'}.
          </p>
          {create}
        </Empty>
      ) : (
        <TopicTable />
      )}
      {isCreating && <CreateTopic onClose={() => setCreating(false)} />}
    </>
  )
}

function TopicTable() {
  const { go, state } = useConsole()
  const cluster = useCluster()
  const rateOf = ({ topicId }: TopicState) => state.rates.topics.get(topicId) ?? 0
  const columns: readonly Column<TopicState>[] = [
    {
      title: 'Topic',
      order: ({ topic }) => topic,
      cell: ({ topic }) => (
        <button type="button" class="link" onClick={() => go({ view: 'topics', name: topic })}>
          {topic}
        </button>
      ),
    },
    {
      title: 'Partitions',
      isNumber: true,
      order: ({ partitions }) => partitions.length,
      cell: ({ partitions }) => formatCount(partitions.length),
    },
    {
      title: 'Messages',
      isNumber: true,
      order: (topic) => topicFigures(topic).messages,
      cell: (topic) => formatCount(topicFigures(topic).messages),
    },
    {
      title: 'Size',
      isNumber: true,
      order: (topic) => topicFigures(topic).sizeBytes,
      cell: (topic) => formatBytes(topicFigures(topic).sizeBytes),
    },
    {
      title: 'Rate',
      isNumber: true,
      order: rateOf,
      cell: (topic) => formatRate(rateOf(topic)),
    },
    {
      title: 'Lag of its groups',
      cell: ({ topic }) => <Readers topic={topic} />,
    },
    {
      title: 'Config',
      cell: ({ config }) => <span class="muted">{configText(config)}</span>,
    },
  ]
  return (
    <DataTable
      caption="Topics"
      columns={columns}
      rows={cluster.topics}
      rowKey={({ topic }) => topic}
      isSearchable
    />
  )
}

function Readers({ topic }: { readonly topic: string }) {
  const readers = topicReaders(useCluster(), topic)
  if (readers.length === 0) return <span class="muted">no groups</span>
  return (
    <span class="lags">
      {readers.map(({ groupId, lag }) => (
        <span key={groupId}>
          {groupId} <b>{formatCount(lag)}</b>
        </span>
      ))}
    </span>
  )
}
