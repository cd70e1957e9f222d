/**
 * The list of messages: only what is in sight is in the document, however many there are. One stop for the
 * tab key; arrows move, Enter shows the message, Space takes it into the selection.
 */
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import { formatTimestamp } from '../format/format.js'
import type { Row } from './message-scan.js'
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
}

export function MessageGrid(props: MessageGridProps) {
  const { rows, active, selected, onActive, onOpen, onToggle } = props
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

  const move = (to: number) => {
    const index = Math.min(Math.max(to, 0), rows.length - 1)
    onActive(index)
    const element = frame.current
    if (element === null) return
    const top = index * ROW_HEIGHT
    if (top < element.scrollTop) element.scrollTop = top
    else if (top + 2 * ROW_HEIGHT > element.scrollTop + element.clientHeight) {
      element.scrollTop = top + 2 * ROW_HEIGHT - element.clientHeight
    }
  }

  const onKeyDown = (event: KeyboardEvent) => {
    const steps: Readonly<Record<string, () => void>> = {
      ArrowDown: () => move(active + 1),
      ArrowUp: () => move(active - 1),
      PageDown: () => move(active + PAGE_ROWS),
      PageUp: () => move(active - PAGE_ROWS),
      Home: () => move(0),
      End: () => move(rows.length - 1),
      Enter: () => onOpen(active),
      ' ': () => {
        const row = rows[active]
        if (row !== undefined) onToggle(row)
      },
    }
    const step = steps[event.key]
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
      aria-label="Messages. Enter shows one, Space selects it"
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
}

function GridRow({ id, row, index, isActive, isSelected, onOpen, onToggle }: GridRowProps) {
  const isMessage = row.type === 'message'
  return (
    <div
      id={id}
      class={`grid-row ${isActive ? 'active' : ''}`}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={isSelected}
      onClick={onOpen}
    >
      <span
        role="gridcell"
        class="mark"
        onClick={(event) => {
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
      <span role="gridcell" class="mono">
        {isMessage ? keyText(row.key) : ''}
      </span>
      <span role="gridcell" class={`mono ${isMessage && !row.undecoded ? '' : 'danger-text'}`}>
        {isMessage ? previewText(row) : `cannot be read: ${row.reason}`}
      </span>
    </div>
  )
}
