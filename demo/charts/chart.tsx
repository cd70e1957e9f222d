/** A line chart of the last minute. */
import { useEffect, useRef } from 'preact/hooks'
import UPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { readPalette, type Palette } from '../logs/palette.js'

export interface ChartLine {
  readonly label: string
  readonly colour: (palette: Palette) => string
  readonly isFilled?: boolean
}

export interface ChartProps {
  readonly lines: readonly ChartLine[]
  /** The times in seconds since 1970, then the values of each line. */
  readonly data: readonly (readonly number[])[]
  /** For who does not see it. */
  readonly description: string
}

const HEIGHT = 128
const MINUTE_S = 60

export function Chart({ lines, data, description }: ChartProps) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<UPlot | undefined>(undefined)

  useEffect(() => {
    const { current: element } = place
    if (element === null) return undefined
    const draw = () => {
      plot.current?.destroy()
      const options = optionsOf(lines, {
        palette: readPalette(element),
        width: element.clientWidth,
      })
      plot.current = new UPlot(options, aligned(data), element)
    }
    draw()
    const observer = new ResizeObserver(() =>
      plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }),
    )
    observer.observe(element)
    const dark = matchMedia('(prefers-color-scheme: dark)')
    dark.addEventListener('change', draw)
    document.addEventListener('themechange', draw)
    return () => {
      dark.removeEventListener('change', draw)
      document.removeEventListener('themechange', draw)
      observer.disconnect()
      plot.current?.destroy()
    }
  }, [])
  useEffect(() => {
    plot.current?.setData(aligned(data))
  }, [data])
  return <div ref={place} class="chart" role="img" aria-label={description} />
}

function aligned(data: readonly (readonly number[])[]): UPlot.AlignedData {
  const [times = [], ...values] = data
  return [[...times], ...values.map((one) => [...one])]
}

function optionsOf(
  lines: readonly ChartLine[],
  { palette, width }: { palette: Palette; width: number },
): UPlot.Options {
  const axis = {
    stroke: palette.muted,
    font: '11px system-ui, sans-serif',
    grid: { stroke: palette.line, width: 1 },
    ticks: { show: false },
  }
  return {
    width,
    height: HEIGHT,
    padding: [8, 14, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { range: (_, __, max) => [max - MINUTE_S, max] },
      y: { range: (_, __, max) => [0, Math.max(10, max * 1.15)] },
    },
    axes: [
      {
        ...axis,
        size: 26,
        gap: 7,
        splits: (plot) => {
          const end = plot.scales['x']?.max ?? 0
          return [end - 60, end - 45, end - 30, end - 15, end]
        },
        values: () => ['60 s ago', '45 s', '30 s', '15 s', 'now'],
      },
      { ...axis, size: 46, gap: 4, values: (_, ticks) => ticks.map(shortNumber) },
    ],
    series: [
      {},
      ...lines.map(({ label, colour, isFilled = false }) => ({
        label,
        stroke: colour(palette),
        width: 1.75,
        points: { show: false },
        ...(isFilled ? { fill: withAlpha(colour(palette), 0.14) } : {}),
      })),
    ],
  }
}

const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })

function shortNumber(value: number): string {
  return compact.format(value)
}

/** `rgb(1, 2, 3)` with an alpha. */
function withAlpha(colour: string, alpha: number): string {
  return colour.replace('rgb(', 'rgba(').replace(')', `, ${alpha})`)
}
