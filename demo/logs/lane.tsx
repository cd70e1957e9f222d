/** One partition: whose it is, its log, and how far behind the group is. */
import { useEffect, useRef } from 'preact/hooks'
import { formatShortCount } from '../format.js'
import { GROUP } from '../names.js'
import { TabLabel } from '../shell/tab-label.js'
import type { LaneSelection, LaneStage } from './lane-stage.js'
import type { LaneView } from './lane-view.js'

export interface LaneProps {
  readonly stage: LaneStage
  readonly view: LaneView
  readonly selected: number | undefined
  readonly onSelect: (selection: LaneSelection) => void
}

const PAGE = 10

export function Lane({ stage, view, selected, onSelect }: LaneProps) {
  const { partition, start, end, owner, marks } = view
  const canvas = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    if (canvas.current !== null) return stage.add(partition, canvas.current)
    return undefined
  }, [stage, partition])
  const own = marks.find(({ groupId }) => groupId === GROUP)
  const lag = (own ?? marks[0])?.lag ?? 0
  const select = (offset: number) => {
    if (end > start) onSelect({ partition, offset: Math.min(end - 1, Math.max(start, offset)) })
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const to = keyTarget(event.key, { from: selected ?? end, start, end })
    if (to === undefined) return
    event.preventDefault()
    select(to)
  }
  const xIn = (event: MouseEvent & { currentTarget: HTMLElement }) =>
    event.clientX - event.currentTarget.getBoundingClientRect().left
  return (
    <li class="lane" data-partition={partition} data-owner={owner?.text ?? 'nobody'}>
      <div class="lane-name">
        <h3>{partition}</h3>
        <TabLabel name={owner} />
      </div>
      <div
        class="lane-strip"
        role="slider"
        tabIndex={0}
        aria-label={`Records of partition ${partition}`}
        aria-valuemin={start}
        aria-valuemax={Math.max(start, end - 1)}
        aria-valuenow={selected ?? Math.max(start, end - 1)}
        aria-valuetext={describe(view, selected)}
        onKeyDown={onKeyDown}
        onPointerMove={(event) => stage.hover(partition, xIn(event))}
        onPointerLeave={() => stage.hover(partition, undefined)}
        onClick={(event) => {
          const offset = stage.hover(partition, xIn(event))
          if (offset !== undefined) select(offset)
        }}
      >
        <canvas ref={canvas} />
      </div>
      <dl class="lane-numbers">
        <div>
          <dt>end</dt>
          <dd class="lane-end">{formatShortCount(end)}</dd>
        </div>
        <div>
          <dt>lag</dt>
          <dd class="lane-lag">{formatShortCount(lag)}</dd>
        </div>
      </dl>
    </li>
  )
}

function keyTarget(
  key: string,
  { from, start, end }: { from: number; start: number; end: number },
): number | undefined {
  switch (key) {
    case 'ArrowLeft':
    case 'ArrowDown':
      return from - 1
    case 'ArrowRight':
    case 'ArrowUp':
      return from + 1
    case 'PageDown':
      return from - PAGE
    case 'PageUp':
      return from + PAGE
    case 'Home':
      return start
    case 'End':
      return end - 1
    case 'Enter':
    case ' ':
      return from
    default:
      return undefined
  }
}

function describe({ start, end, marks }: LaneView, selected: number | undefined): string {
  if (end === start) return 'empty'
  const groups = marks.map(({ groupId, offset, lag }) => {
    const committed = offset === undefined ? 'nothing' : `up to ${offset}`
    return `${groupId} committed ${committed}, lag ${lag}`
  })
  const at = selected === undefined ? '' : `offset ${selected}; `
  return `${at}from ${start} to ${end - 1}. ${groups.join('. ')}`
}
