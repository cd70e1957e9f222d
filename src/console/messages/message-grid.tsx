/**
 * The list of messages: only what is in sight is in the document, however many there are. One stop for the
 * tab key; arrows move, Enter shows the message, Space takes it into the selection, and whatever is done with
 * Shift selects all from the last that was touched.
 */
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { formatTimestamp } from '../format/format.js'
import type { Row } from './message-row.js'
import { keyText, previewText } from './message-text.js'

const ROW_HEIGHT = 28
const BEYOND = 8
const PAGE_ROWS = 10

export interface MessageGridProps {
  readonly rows: readonly Row[]
  readonly active: number
  readonly selected: ReadonlySet<Row>
  readonly onActive: (index: number) => void
  readonly onOpen: (index: number) => void
  readonly onToggle: (row: Row) => void
  /** Selects these and all between them. */
  readonly onRange: (from: number, to: number) => void
}

export function MessageGrid(props: MessageGridProps) {
  const { rows, active, selected, onActive, onOpen, onToggle, onRange } = props
  const frame = useRef<HTMLDivElement>(null)
  const [view, setView] = useState({ top: 0, height: 400 })
  const id = useId()

  useEffect(() => {
    const element = frame.current
    if (element === null) return undefined
    const measure = () => setView({ top: element.scrollTop, height: element.clientHeight })
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    element.addEventListener('scroll', measure, { passive: true })
    return () => {
      observer.disconnect()
      element.removeEventListener('scroll', measure)
    }
  }, [])

  // Whoever has gone down the list goes on seeing the same, whatever is added above it.
  const top = useRef<Row>(undefined)
  useLayoutEffect(() => {
    const element = frame.current
    const added = top.current === undefined ? 0 : rows.indexOf(top.current)
    if (element !== null && element.scrollTop > 0 && added > 0) {
      element.scrollTop += added * ROW_HEIGHT
    }
    top.current = rows[0]
  }, [rows])

  const move = (to: number) => {
    const index = Math.min(Math.max(to, 0), rows.length - 1)
    onActive(index)
    const element = frame.current
    if (element === null) return
    const at = index * ROW_HEIGHT
    if (at < element.scrollTop) element.scrollTop = at
    else if (at + 2 * ROW_HEIGHT > element.scrollTop + element.clientHeight) {
      element.scrollTop = at + 2 * ROW_HEIGHT - element.clientHeight
    }
  }

  const range = (to: number) => {
    onRange(active, Math.min(Math.max(to, 0), rows.length - 1))
    move(to)
  }

  const onKeyDown = (event: KeyboardEvent) => {
    const ways: Readonly<Record<string, number>> = {
      ArrowDown: active + 1,
      ArrowUp: active - 1,
      PageDown: active + PAGE_ROWS,
      PageUp: active - PAGE_ROWS,
      Home: 0,
      End: rows.length - 1,
    }
    const steps: Readonly<Record<string, () => void>> = {
      Enter: () => onOpen(active),
      ' ': () => {
        const row = rows[active]
        if (row !== undefined) onToggle(row)
      },
    }
    const to = ways[event.key]
    const step = to === undefined ? steps[event.key] : () => (event.shiftKey ? range(to) : move(to))
    if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    step()
  }

  const first = Math.max(0, Math.floor(view.top / ROW_HEIGHT) - BEYOND)
  const last = Math.min(rows.length, Math.ceil((view.top + view.height) / ROW_HEIGHT) + BEYOND)
  const isActiveShown = active >= first && active < last
  return (
    <div
      class="grid"
      role="grid"
      aria-label="Messages. Enter shows one, Space selects it, Shift selects several"
      aria-rowcount={rows.length + 1}
      aria-multiselectable="true"
      aria-activedescendant={isActiveShown ? `${id}-${active}` : undefined}
      tabIndex={0}
      ref={frame}
      onKeyDown={onKeyDown}
    >
      <div class="grid-row grid-head" role="row" aria-rowindex={1}>
        <span role="columnheader">
          <span class="hidden">Selected</span>
        </span>
        <span role="columnheader" class="number">
          Partition
        </span>
        <span role="columnheader" class="number">
          Offset
        </span>
        <span role="columnheader" class="minor">
          Time
        </span>
        <span role="columnheader">Key</span>
        <span role="columnheader">Value</span>
      </div>
      <div
        class="grid-body"
        role="rowgroup"
        style={{
          height: `${rows.length * ROW_HEIGHT}px`,
          '--first': `${first * ROW_HEIGHT}px`,
        }}
      >
        {rows.slice(first, last).map((row, at) => {
          const index = first + at
          return (
            <GridRow
              key={`${row.partition} ${row.offset}`}
              id={`${id}-${index}`}
              row={row}
              index={index}
              isActive={index === active}
              isSelected={selected.has(row)}
              onOpen={() => {
                move(index)
                onOpen(index)
              }}
              onToggle={() => {
                move(index)
                onToggle(row)
              }}
              onRange={() => range(index)}
            />
          )
        })}
      </div>
    </div>
  )
}

interface GridRowProps {
  readonly id: string
  readonly row: Row
  readonly index: number
  readonly isActive: boolean
  readonly isSelected: boolean
  readonly onOpen: () => void
  readonly onToggle: () => void
  readonly onRange: () => void
}

function GridRow(props: GridRowProps) {
  const { id, row, index, isActive, isSelected, onOpen, onToggle, onRange } = props
  const isMessage = row.type === 'message'
  return (
    <div
      id={id}
      class={`grid-row ${isActive ? 'active' : ''}`}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={isSelected}
      // With Shift the browser would select text.
      onMouseDown={(event) => event.shiftKey && event.preventDefault()}
      onClick={(event) => (event.shiftKey ? onRange() : onOpen())}
    >
      <span
        role="gridcell"
        class="mark"
        onClick={(event) => {
          if (event.shiftKey) return
          event.stopPropagation()
          if (isMessage) onToggle()
        }}
      >
        <span aria-hidden="true" class="box">
          {isSelected ? '✓' : ''}
        </span>
        <span class="hidden">{isSelected ? 'selected' : 'not selected'}</span>
      </span>
      <span role="gridcell" class="number">
        {row.partition}
      </span>
      <span role="gridcell" class="number">
        {row.offset}
      </span>
      <span role="gridcell" class="minor">
        {isMessage ? formatTimestamp(row.timestamp) : ''}
      </span>
      <span role="gridcell" class={`mono exact ${isMessage && row.key === null ? 'muted' : ''}`}>
        {isMessage ? keyText(row.key) : ''}
      </span>
      <span role="gridcell" class={`mono ${isMessage && !row.undecoded ? '' : 'danger-text'}`}>
        {isMessage ? previewText(row) : `cannot be read: ${row.reason}`}
      </span>
    </div>
  )
}
