/** Where to look and what for. */
import type { ComponentChildren } from 'preact'
import type { TopicState } from '../../index.js'
import { FilterError } from '../filter/filter-error.js'
import { toFilter, type Filterable } from '../filter/filter.js'
import { SelectField, TextField } from '../parts/fields.js'
import type { ScanStart } from './message-scan.js'

/** `live`: what is appended from now on. */
export type QueryStart = ScanStart | { readonly type: 'live' }

/** As typed. */
export interface Query {
  readonly topic: string
  /** A number, or `all`. */
  readonly partition: string
  readonly start: QueryStart['type']
  readonly offset: string
  readonly time: string
  readonly key: string
  readonly filter: string
}

export interface CheckedQuery {
  readonly partitions: readonly number[]
  readonly start: QueryStart
  readonly accepts: (message: Filterable) => boolean
}

export type QueryErrors = Partial<Record<keyof Query, ComponentChildren>>

/** The query to read by, or what is wrong with it. */
export function checkQuery(
  query: Query,
  topic: TopicState | undefined,
): { checked?: CheckedQuery; errors: QueryErrors } {
  const errors: QueryErrors = {}
  const start = startOf(query, errors)
  const filter = filterOf(query, errors)
  if (topic === undefined) errors.topic = 'There is no such topic any more.'
  const all = topic?.partitions.map(({ partition }) => partition) ?? []
  const partitions =
    query.partition === 'all' ? all : all.filter((one) => String(one) === query.partition)
  if (topic !== undefined && partitions.length === 0)
    errors.partition = 'There is no such partition.'
  if (Object.keys(errors).length > 0) return { errors }
  return { checked: { partitions, start, accepts: filter }, errors }
}

function startOf({ start, offset, time }: Query, errors: QueryErrors): QueryStart {
  switch (start) {
    case 'newest':
    case 'oldest':
    case 'live':
      return { type: start }
    case 'offset': {
      const number = offset.trim() === '' ? Number.NaN : Number(offset)
      if (!Number.isSafeInteger(number) || number < 0) errors.offset = 'A whole number.'
      return { type: 'offset', offset: number }
    }
    case 'time': {
      const timestampMs = new Date(time).getTime()
      if (Number.isNaN(timestampMs)) errors.time = 'A date and a time.'
      return { type: 'time', timestampMs }
    }
  }
}

function filterOf({ filter, key }: Query, errors: QueryErrors): (message: Filterable) => boolean {
  try {
    const accepts = toFilter(filter)
    if (key === '') return accepts
    const hasKey = toFilter(`key = ${JSON.stringify(key)}`)
    return (message) => hasKey(message) && accepts(message)
  } catch (error) {
    if (!(error instanceof FilterError)) throw error
    errors.filter = <FilterMistake filter={filter} error={error} />
    return () => false
  }
}

interface FilterMistakeProps {
  readonly filter: string
  readonly error: FilterError
}

function FilterMistake({ filter, error: { at, length, message } }: FilterMistakeProps) {
  return (
    <>
      <pre class="mono" aria-hidden="true">
        {filter}
        {'\n'}
        {' '.repeat(at)}
        {'^'.repeat(Math.max(1, length))}
      </pre>
      At character {at + 1}: {message}.
    </>
  )
}

export interface ReadFormProps {
  readonly query: Query
  readonly topics: readonly TopicState[]
  readonly errors: QueryErrors
  readonly isBusy: boolean
  readonly onChange: (query: Query) => void
  /** It may be malformed, which the form says: what is shown is of something else then. */
  readonly onRead: () => void
  readonly onStop: () => void
}

export function ReadForm(props: ReadFormProps) {
  const { query, topics, errors, isBusy, onChange, onRead, onStop } = props
  const topic = topics.find((one) => one.topic === query.topic)
  const change = (part: Partial<Query>) => onChange({ ...query, ...part })
  const submit = (event: Event) => {
    event.preventDefault()
    onRead()
  }
  // What was chosen and is gone is still said, rather than that the field is empty.
  const names = topics.map(({ topic: name }): [string, string] => [name, name])
  if (topic === undefined) names.unshift([query.topic, `${query.topic} (deleted)`])
  const numbers = (topic?.partitions ?? []).map(({ partition }) => {
    const text = String(partition)
    return [text, text] as const
  })
  const isKnown = query.partition === 'all' || numbers.some(([one]) => one === query.partition)
  if (!isKnown) numbers.unshift([query.partition, `${query.partition} (gone)`])
  return (
    <form class="section" onSubmit={submit} noValidate aria-label="Which messages">
      <div class="fields query">
        <SelectField
          label="Topic"
          value={query.topic}
          options={names}
          error={errors.topic}
          onChange={(name) => change({ topic: name, partition: 'all' })}
        />
        <SelectField
          label="Partition"
          value={query.partition}
          options={[['all', 'All'], ...numbers]}
          error={errors.partition}
          onChange={(partition) => change({ partition })}
        />
        <SelectField
          label="Begin with"
          value={query.start}
          options={[
            ['newest', 'the newest'],
            ['oldest', 'the oldest'],
            ['offset', 'an offset'],
            ['time', 'a time'],
            ['live', 'the next, live'],
          ]}
          onChange={(start) => change({ start })}
        />
        {query.start === 'offset' && (
          <TextField
            label="Offset"
            type="number"
            value={query.offset}
            error={errors.offset}
            onInput={(offset) => change({ offset })}
          />
        )}
        {query.start === 'time' && (
          <TextField
            label="Time"
            type="datetime-local"
            value={query.time}
            error={errors.time}
            onInput={(time) => change({ time })}
          />
        )}
        <TextField
          label="Key"
          placeholder="any"
          value={query.key}
          onInput={(key) => change({ key })}
          isMono
        />
      </div>
      <div class="row start">
        <TextField
          label="Filter"
          class="fill"
          placeholder={'value.total > 100 and headers.source = "web"'}
          value={query.filter}
          error={errors.filter}
          onInput={(filter) => change({ filter })}
          isMono
        />
        <button type="submit" class="primary beside">
          {query.start === 'live' ? 'Follow' : 'Read'}
        </button>
        {/* Always there, and never disabled: nothing moves under the pointer, and it keeps the focus. */}
        <button
          type="button"
          class="beside"
          aria-disabled={!isBusy}
          onClick={() => isBusy && onStop()}
        >
          Stop
        </button>
      </div>
      <details>
        <summary>What a filter can say</summary>
        <p class="muted">
          Paths <code>key</code>, <code>value.a.b</code>, <code>value.items[0]</code>,{' '}
          <code>headers.x</code>, <code>headers["x y"]</code>, <code>offset</code>,{' '}
          <code>partition</code>, <code>timestamp</code>, <code>messageId</code>,{' '}
          <code>priority</code>, <code>deliverAt</code>, <code>expiresAt</code>, <code>codec</code>;
          compared by <code>= != &lt; &lt;= &gt; &gt;=</code>, <code>contains</code>,{' '}
          <code>startsWith</code>, <code>endsWith</code>, <code>in ["a", "b"]</code>; joined by{' '}
          <code>and</code>, <code>or</code>, <code>not</code> and parentheses. A path alone asks
          whether there is something, a <code>"text"</code> alone whether key or value contain it.
          Times are ms since 1970 or texts: <code>timestamp &gt;= "2026-01-31T12:00"</code>.
        </p>
      </details>
    </form>
  )
}
