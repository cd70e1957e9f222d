/** How the console writes numbers, sizes, durations and times. */
const count = new Intl.NumberFormat('en')

export function formatCount(value: number): string {
  return count.format(value)
}

/** `3 messages`, `1 message`. */
export function formatQuantity(value: number, one: string, many = `${one}s`): string {
  return `${formatCount(value)} ${value === 1 ? one : many}`
}

export function formatBytes(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1_000
    unit += 1
  }
  const digits = unit === 0 || value >= 99.5 ? 0 : 1
  return `${value.toFixed(digits)} ${bytes === 1 ? 'byte' : (units[unit] ?? '')}`
}

/** Messages per second; below ten with a decimal. */
export function formatRate(perSecond: number): string {
  const number =
    perSecond > 0 && perSecond < 9.95 ? perSecond.toFixed(1) : formatCount(Math.round(perSecond))
  return `${number}/s`
}

/** The two largest units: `2 h 5 min`, `450 ms`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1_000],
  ] as const
  const first = units.findIndex(([, size]) => ms >= size)
  let left = ms
  return units
    .slice(first, first + 2)
    .flatMap(([name, size]) => {
      const whole = Math.floor(left / size)
      left -= whole * size
      return whole === 0 ? [] : [`${whole} ${name}`]
    })
    .join(' ')
}

/** Date and time of this place, to the millisecond: sorts as it reads. */
export function formatTimestamp(ms: number): string {
  const date = new Date(ms)
  if (Number.isNaN(date.getTime())) return String(ms)
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${formatTime(ms)}.${String(date.getMilliseconds()).padStart(3, '0')}`
}

/** The time of day of this place, to the second. */
export function formatTime(ms: number): string {
  const date = new Date(ms)
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}

/** Enough of a UUID to tell it from others. */
export function formatShortId(id: string): string {
  return id.slice(0, 8)
}
