/** Rates and lag of the last minute, and when the lag will be gone. */
import { useMemo } from 'preact/hooks'
import { useParts } from '../app/parts.js'
import { useSelected } from '../app/use-cell.js'
import { formatCount, formatDuration, formatRate } from '../format.js'
import { Panel } from '../shell/panel.js'
import { Chart, type ChartLine } from './chart.js'
import { drainOf, type Drain } from './samples.js'

const RATE_LINES: readonly ChartLine[] = [
  { label: 'sent', colour: ({ accent }) => accent },
  { label: 'handled', colour: ({ tab }) => tab(3) },
]
const LAG_LINES: readonly ChartLine[] = [
  { label: 'lag', colour: ({ warn }) => warn, isFilled: true },
]

export function ChartsPanel() {
  const { demo } = useParts()
  const series = useSelected(demo.shown, (shown) => shown.series)
  const rates = useMemo(() => [series.atS, series.sentPerSecond, series.handledPerSecond], [series])
  const lags = useMemo(() => [series.atS, series.lag], [series])
  const sent = formatRate(series.sentPerSecond.at(-1) ?? 0)
  const handled = formatRate(series.handledPerSecond.at(-1) ?? 0)
  const lag = formatCount(series.lag.at(-1) ?? 0)
  const drain = describeDrain(drainOf(series))
  return (
    <div class="charts">
      <Panel
        title="Messages a second"
        aside={
          <p class="chart-now">
            <span class="key key-sent">
              sent <b id="rate-sent">{sent}</b>
            </span>
            <span class="key key-handled">
              handled <b id="rate-handled">{handled}</b>
            </span>
          </p>
        }
      >
        <Chart
          lines={RATE_LINES}
          data={rates}
          description={`Of the last minute. Now ${sent} sent and ${handled} handled a second.`}
        />
      </Panel>
      <Panel
        title="Lag"
        aside={
          <p class="chart-now">
            <b id="lag-now">{lag}</b> <span id="drain">{drain}</span>
          </p>
        }
      >
        <Chart lines={LAG_LINES} data={lags} description={`Lag: ${lag}. ${drain}`} />
      </Panel>
    </div>
  )
}

function describeDrain(drain: Drain): string {
  switch (drain.is) {
    case 'caught up':
      return 'caught up'
    case 'draining':
      return `gone in about ${formatDuration(drain.inMs)}`
    case 'growing':
      return `grows by ${formatRate(drain.perSecond)} a second`
    case 'standing':
      return 'stands still'
  }
}
