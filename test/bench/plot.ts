/** A bar for each contender, as an SVG that can be read on light and on dark ground. */
import { formatted, type Result } from './results.js'

const WIDTH = 720
const LABEL_WIDTH = 210
const VALUE_WIDTH = 120
const BAR_HEIGHT = 22
const ROW_HEIGHT = 30
const TITLE_HEIGHT = 36

export function plotOf({ name, what, unit, target, contenders }: Result): string {
  const most = Math.max(...contenders.map(({ value }) => value))
  const barWidth = WIDTH - LABEL_WIDTH - VALUE_WIDTH
  const rows = contenders.map(({ name: label, value }, index) => {
    const y = TITLE_HEIGHT + index * ROW_HEIGHT
    const width = Math.max(1, (value / most) * barWidth)
    const middle = y + BAR_HEIGHT / 2 + 5
    return [
      `<text x="${LABEL_WIDTH - 10}" y="${middle}" text-anchor="end">${escaped(label)}</text>`,
      `<rect x="${LABEL_WIDTH}" y="${y}" width="${width.toFixed(1)}" height="${BAR_HEIGHT}" rx="3" class="${index === 0 ? 'own' : 'peer'}"/>`,
      `<text x="${(LABEL_WIDTH + width + 8).toFixed(1)}" y="${middle}">${formatted(value)} ${unit}</text>`,
    ].join('\n')
  })
  const height = TITLE_HEIGHT + contenders.length * ROW_HEIGHT
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(name)}">
<style>
text { font: 14px system-ui, sans-serif; fill: #333 }
.title { font-weight: 600 }
.own { fill: #2563eb }
.peer { fill: #94a3b8 }
@media (prefers-color-scheme: dark) { text { fill: #ddd } .own { fill: #60a5fa } .peer { fill: #64748b } }
</style>
<text x="0" y="18" class="title">${escaped(what.replaceAll('`', ''))}${target.isAtLeast ? '' : ' (less is better)'}</text>
${rows.join('\n')}
</svg>
`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
