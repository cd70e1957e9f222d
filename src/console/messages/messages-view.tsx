/** The message browser: looks into a topic, and sends to it. */
import { useEffect, useState } from 'preact/hooks'
import { errorText } from '../format/error-text.js'
import { formatCount, formatQuantity } from '../format/format.js'
import { useCluster, useConsole } from '../parts/console-context.js'
import { Empty } from '../parts/facts.js'
import type { Route } from '../route.js'
import { download } from './download.js'
import { MessageDetail } from './message-detail.js'
import { MessageGrid } from './message-grid.js'
import type { MessageRow, Row } from './message-scan.js'
import { toNdjson } from './ndjson.js'
import { ProduceDialog } from './produce-dialog.js'
import { checkQuery, ReadForm, type Query } from './read-form.js'
import { ReplayDialog } from './replay-dialog.js'
import { useScan, type ScanState } from './use-scan.js'

export function MessagesView() {
  const { topics } = useCluster()
  const { go, route } = useConsole()
  if (topics.length > 0) return <Messages key={placeOf(route)} />
  return (
    <>
      <div class="head">
        <h2>Messages</h2>
      </div>
      <Empty>
        <p>There are no topics, and so no messages.</p>
        <button type="button" onClick={() => go({ view: 'topics' })}>
          To the topics
        </button>
      </Empty>
    </>
  )
}

function placeOf({ name, partition, offset }: Route): string {
  return [name, partition, offset].join(' ')
}

function queryOf({ name, partition, offset }: Route, firstTopic: string): Query {
  return {
    topic: name ?? firstTopic,
    partition: partition === undefined ? 'all' : String(partition),
    start: offset === undefined ? 'newest' : 'offset',
    offset: offset === undefined ? '' : String(offset),
    time: '',
    key: '',
    filter: '',
  }
}

function Messages() {
  const { session, route, writer } = useConsole()
  const { topics } = useCluster()
  const [query, setQuery] = useState(() => queryOf(route, topics[0]?.topic ?? ''))
  /** What the rows are of, while the form may say something else. */
  const [readTopic, setReadTopic] = useState(query.topic)
  const [isProducing, setProducing] = useState(false)
  const { state, read, more, stop } = useScan()
  const topic = topics.find((one) => one.topic === query.topic)

  const start = () => {
    const { checked } = checkQuery(query, topic)
    if (checked === undefined) return
    setReadTopic(query.topic)
    read({ admin: session.admin, topic: query.topic, ...checked })
  }
  // A topic that was chosen elsewhere is read at once.
  useEffect(() => {
    if (route.name !== undefined) start()
  }, [])

  return (
    <>
      <div class="head">
        <h2>Messages</h2>
        {writer !== undefined && topic !== undefined && (
          <button type="button" onClick={() => setProducing(true)}>
            Send a message
          </button>
        )}
      </div>
      <ReadForm
        query={query}
        topics={topics}
        isBusy={state?.isBusy === true}
        onChange={setQuery}
        onRead={start}
        onStop={stop}
      />
      {state !== undefined && <Found topic={readTopic} state={state} more={more} />}
      {isProducing && (
        <ProduceDialog
          topic={query.topic}
          onClose={() => setProducing(false)}
          onSent={() => {
            if (state !== undefined) start()
          }}
        />
      )}
    </>
  )
}

interface FoundProps {
  readonly topic: string
  readonly state: ScanState
  readonly more: () => void
}

function Found({ topic, state, more }: FoundProps) {
  const { writer } = useConsole()
  const { rows } = state
  const [active, setActive] = useState(0)
  const [opened, setOpened] = useState<Row>()
  const [selected, setSelected] = useState<ReadonlySet<Row>>(new Set())
  const [isReplaying, setReplaying] = useState(false)

  // Another reading has other rows: what was chosen of the last is not among them.
  const first = rows[0]
  useEffect(() => {
    setActive(0)
    setOpened(undefined)
    setSelected(new Set())
  }, [first])

  const messages = rows.filter((row): row is MessageRow => row.type === 'message')
  const chosen = messages.filter((row) => selected.has(row))
  const toggle = (row: Row) => {
    const next = new Set(selected)
    if (!next.delete(row)) next.add(row)
    setSelected(next)
  }
  const save = () => {
    const wanted = chosen.length > 0 ? chosen : messages
    download(`${topic}.ndjson`, toNdjson(topic, wanted), 'application/x-ndjson')
  }
  const what = chosen.length > 0 ? formatCount(chosen.length) : 'all'
  return (
    <div class="section">
      <div class="row">
        <p class="fill" role="status">
          {summaryOf(state)}
        </p>
        {rows.length > 0 && (
          <>
            <button
              type="button"
              onClick={() => setSelected(chosen.length > 0 ? new Set() : new Set(messages))}
            >
              {chosen.length > 0 ? 'Select none' : 'Select all'}
            </button>
            <button type="button" onClick={save} disabled={messages.length === 0}>
              Export {what}
            </button>
            {writer !== undefined && (
              <button
                type="button"
                disabled={chosen.length === 0}
                onClick={() => setReplaying(true)}
              >
                Send again{chosen.length > 0 ? ` ${what}` : ''}
              </button>
            )}
          </>
        )}
      </div>
      {state.error !== undefined && (
        <p class="error" role="alert">
          {errorText(state.error)}
        </p>
      )}
      {rows.length > 0 && (
        <div class={opened === undefined ? 'found' : 'found split'}>
          <div class="section">
            <MessageGrid
              rows={rows}
              active={active}
              selected={selected}
              onActive={setActive}
              onOpen={(index) => setOpened(rows[index])}
              onToggle={toggle}
            />
          </div>
          {opened !== undefined && (
            <MessageDetail topic={topic} row={opened} onClose={() => setOpened(undefined)} />
          )}
        </div>
      )}
      {!state.isAtEnd && !state.isBusy && !state.isFull && state.looked > 0 && (
        <div>
          <button type="button" onClick={more}>
            {rows.length > 0 ? 'More' : 'Look further'}
          </button>
        </div>
      )}
      {isReplaying && (
        <ReplayDialog topic={topic} messages={chosen} onClose={() => setReplaying(false)} />
      )}
    </div>
  )
}

function summaryOf({ rows, looked, isBusy, isAtEnd, isFull }: ScanState): string {
  const found = formatQuantity(rows.length, 'message')
  if (isBusy) return `${found} so far, looking …`
  if (isAtEnd && looked === 0) return 'There is nothing from there on.'
  const of = looked === rows.length ? '' : ` of ${formatCount(looked)} that were looked at`
  if (isAtEnd) return `${found}${of}; that is all.`
  if (isFull) return `${found}${of}. There are more than can be kept here: say more exactly which.`
  return `${found}${of}; there is more.`
}
