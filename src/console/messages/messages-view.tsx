/** The message browser: looks into a topic, and sends to it. */
import { useEffect, useState } from 'preact/hooks'
import { errorText } from '../format/error-text.js'
import { formatCount, formatQuantity, formatTime } from '../format/format.js'
import { useCluster, useConsole } from '../parts/console-context.js'
import { Empty } from '../parts/facts.js'
import { formatRoute, type Route } from '../route.js'
import { ExportDialog } from './export-dialog.js'
import { MessageDetail } from './message-detail.js'
import { MessageGrid } from './message-grid.js'
import type { MessageRow, Row } from './message-row.js'
import type { PartitionRange } from './message-scan.js'
import { ProduceDialog } from './produce-dialog.js'
import { LIST_BEGIN, memoryOf, type Asked, type ListState } from './messages-memory.js'
import { queryOf, routeOf } from './query-route.js'
import { queryText } from './query-text.js'
import { checkQuery, ReadForm, type Query } from './read-form.js'
import type { Reading } from './reading.js'
import { ReplayDialog } from './replay-dialog.js'
import { useScan } from './use-scan.js'
import { useTail } from './use-tail.js'

export function MessagesView() {
  const { topics } = useCluster()
  const { go } = useConsole()
  if (topics.length > 0) return <Messages />
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

/** What was there when the reader left, for whoever comes back to it. */
function useMemory() {
  const { session, route, visit } = useConsole()
  const memory = memoryOf(session)
  const { asked } = memory
  const isThere =
    route.name === undefined || (asked && formatRoute(asked.route) === formatRoute(route))
  return { memory, before: visit.isReturn && isThere ? memory : undefined }
}

function Messages() {
  const { session, route, go, isHere, writer } = useConsole()
  const { topics } = useCluster()
  const { memory, before } = useMemory()
  const [query, setQuery] = useState(() => before?.query ?? queryOf(route, topics[0]?.topic ?? ''))
  // What is still being typed is not found fault with; what was tried is.
  const [tried, setTried] = useState<Query>()
  const [asked, setAsked] = useState(before?.asked)
  const [isProducing, setProducing] = useState(false)
  const { reader } = memory
  const found = useScan(reader)
  const tail = useTail()
  const isLive = asked?.start.type === 'live'
  const state = isLive ? tail.state : found
  useEffect(() => {
    memory.query = query
    // What is followed ends with the view.
    memory.asked = isLive ? undefined : asked
  }, [memory, query, asked, isLive])
  const topic = topics.find((one) => one.topic === query.topic)

  const stop = () => {
    reader.stop()
    tail.stop()
  }

  /** @param given the address that has led there, which stays as it is */
  const start = (given?: Route) => {
    // What was sent may arrive when the reader is elsewhere, and an address change before it is read.
    if (!isHere()) return
    const { checked } = checkQuery(query, topic)
    stop()
    setTried(query)
    if (checked === undefined || topic === undefined) return setAsked(undefined)
    memory.readings += 1
    const at = given ?? routeOf(query, checked) ?? { view: 'messages' }
    const { topicId } = topic
    setAsked({ ...checked, query, route: at, topic: query.topic, topicId, number: memory.readings })
    go(at, 'shown')
    const { admin } = session
    const { start: from, partitions, accepts } = checked
    if (from.type === 'live') {
      const partition = query.partition === 'all' ? undefined : partitions[0]
      tail.follow({ admin, topic, partition, accepts })
    } else void reader.read({ admin, topic: query.topic, start: from, partitions, accepts })
  }
  // What an address or a link says is read at once.
  useEffect(() => {
    if (route.name !== undefined && asked === undefined) start(route)
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
        errors={tried === query ? checkQuery(query, topic).errors : {}}
        isBusy={state?.isBusy === true}
        onChange={setQuery}
        onRead={() => start()}
        onStop={stop}
      />
      {state !== undefined && asked !== undefined && (
        <Found
          key={asked.number}
          asked={asked}
          isAsked={queryText(query) === queryText(asked.query)}
          state={state}
          more={() => void reader.more()}
        />
      )}
      {isProducing && (
        <ProduceDialog
          topic={query.topic}
          onClose={() => setProducing(false)}
          onSent={() => {
            if (asked !== undefined && !isLive) start()
          }}
        />
      )}
    </>
  )
}

interface FoundProps {
  readonly asked: Asked
  /** Whether the form still says what was asked for. */
  readonly isAsked: boolean
  readonly state: Reading
  readonly more: () => void
}

/** Where the reader is in the list, which is remembered. */
function useList({ number }: Asked) {
  const memory = memoryOf(useConsole().session)
  const [list, setList] = useState(() =>
    memory.list?.number === number ? memory.list.state : LIST_BEGIN,
  )
  useEffect(() => {
    memory.list = { number, state: list }
  }, [memory, number, list])
  const change = (part: Partial<ListState>) => setList((before) => ({ ...before, ...part }))
  return { ...list, change }
}

function Found({ asked, isAsked, state, more }: FoundProps) {
  const { writer } = useConsole()
  const { topics } = useCluster()
  const { rows } = state
  const { topic } = asked
  const { active, opened, selected, change } = useList(asked)
  const [dialog, setDialog] = useState<'export' | 'replay'>()
  // Followed is whatever has the name, if it is deleted and made again, too.
  const isGone = !topics.some((one) =>
    state.live === undefined ? one.topicId === asked.topicId : one.topic === topic,
  )

  const messages = rows.filter((row): row is MessageRow => row.type === 'message')
  const chosen = messages.filter((row) => selected.has(row))
  const toggle = (row: Row) => {
    const next = new Set(selected)
    if (!next.delete(row)) next.add(row)
    change({ selected: next })
  }
  const selectRange = (from: number, to: number) => {
    const range = rows.slice(Math.min(from, to), Math.max(from, to) + 1)
    change({ selected: new Set([...selected, ...range.filter(({ type }) => type === 'message')]) })
  }
  return (
    <div class="section">
      <h3 class="break">{queryText(asked.query)}</h3>
      {!isAsked && <p class="muted">The form says something else by now.</p>}
      {asked.route.name === undefined && (
        <p class="muted">No address can say this: there is half a character in it.</p>
      )}
      {isGone && (
        <p class="warn-text">
          This topic was deleted. What is listed was read before that; there is no more of it.
        </p>
      )}
      <div class="row">
        <p class="fill" role="status" aria-live={state.live && state.isBusy ? 'off' : 'polite'}>
          {summaryOf(state)}
        </p>
        {rows.length > 0 && (
          <>
            <button
              type="button"
              onClick={() => change({ selected: new Set(chosen.length > 0 ? [] : messages) })}
            >
              {chosen.length > 0 ? 'Select none' : 'Select all'}
            </button>
            {writer !== undefined && (
              <button
                type="button"
                disabled={chosen.length === 0}
                onClick={() => setDialog('replay')}
              >
                Send again{chosen.length > 0 ? ` ${formatCount(chosen.length)}` : ''}
              </button>
            )}
          </>
        )}
        <button type="button" onClick={() => setDialog('export')}>
          Export{chosen.length > 0 ? ` ${formatCount(chosen.length)}` : ''}
        </button>
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
              active={active === undefined ? 0 : Math.max(0, rows.indexOf(active))}
              selected={selected}
              onActive={(index) => change({ active: rows[index] })}
              onOpen={(index) => change({ opened: rows[index] })}
              onToggle={toggle}
              onRange={selectRange}
            />
          </div>
          {opened !== undefined && (
            <MessageDetail
              topic={topic}
              row={opened}
              onClose={() => change({ opened: undefined })}
            />
          )}
        </div>
      )}
      {!isGone && !state.live && !state.isAtEnd && !state.isBusy && !state.isFull && (
        <div>
          <button type="button" onClick={more}>
            {moreText(state)}
          </button>
        </div>
      )}
      {dialog === 'replay' && (
        <ReplayDialog topic={topic} messages={chosen} onClose={() => setDialog(undefined)} />
      )}
      {dialog === 'export' && (
        <ExportDialog
          asked={asked}
          selected={chosen}
          found={messages}
          onClose={() => setDialog(undefined)}
        />
      )}
    </div>
  )
}

function moreText({ rows, error }: Reading): string {
  if (error !== undefined) return 'Try again'
  return rows.length > 0 ? 'More' : 'Look further'
}

function summaryOf(state: Reading): string {
  const { rows, looked, total, isBusy, isAtEnd, isFull, live } = state
  const found = formatQuantity(rows.length, 'message')
  if (live !== undefined) return liveSummary(state, live)
  if (isBusy) {
    if (total === 0) return 'Looking …'
    return `${found}; ${formatCount(looked)} of ${formatCount(total)} looked at so far …`
  }
  if (state.error !== undefined && looked === 0) return 'Nothing could be read.'
  if (isAtEnd && looked === 0) return nothingText(state.ranges)
  const of = looked === rows.length ? '' : ` of ${formatCount(looked)} that were looked at`
  if (isAtEnd) return `${found}${of}; that is all.`
  if (isFull) return `${found}${of}. There are more than can be kept here: say more exactly which.`
  return `${found}${of}; there is more.`
}

/** What there is instead, of whoever asked for something beyond. */
function nothingText(ranges: readonly PartitionRange[]): string {
  const some = ranges.filter(({ low, high }) => low < high)
  const [one, ...others] = ranges
  if (some.length === 0) {
    return one !== undefined && others.length === 0
      ? `There are no messages in partition ${one.partition}; the next has offset ${one.high}.`
      : 'There are no messages.'
  }
  const low = Math.min(...some.map((range) => range.low))
  const high = Math.max(...some.map((range) => range.high))
  const where =
    one !== undefined && others.length === 0 ? `Partition ${one.partition} has` : 'There are'
  return `There is nothing from there on. ${where} offsets ${low} to ${high - 1}.`
}

function liveSummary(
  { rows, looked, isBusy }: Reading,
  { sinceMs, missed, dropped }: NonNullable<Reading['live']>,
): string {
  const since = formatTime(sinceMs)
  if (looked === 0) return isBusy ? `Waiting for messages since ${since} …` : 'None arrived.'
  const listed = rows.length + dropped
  const of = looked === listed ? '' : ` of ${formatCount(looked)} that were looked at`
  const parts = [
    `${formatQuantity(listed, 'message')}${of} since ${since}`,
    ...(dropped > 0 ? [`the newest ${formatCount(rows.length)} are listed`] : []),
    ...(missed > 0 ? [`${formatCount(missed)} more came too fast to be looked at`] : []),
    ...(isBusy ? [] : ['stopped']),
  ]
  return `${parts.join('; ')}.`
}
