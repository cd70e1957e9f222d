/** How the page writes numbers, sizes, times, keys and values. */
const count = new Intl.NumberFormat('en')

export function formatCount(value: number): string {
  return count.format(value)
}

const short = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 })

/** `999,999`, `1.02M`: no wider than seven characters. */
export function formatShortCount(value: number): string {
  return value < 1_000_000 ? formatCount(value) : short.format(value)
}

/** `3 rows`, `1 row`. */
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
  return `${value.toFixed(digits)} ${units[unit] ?? ''}`
}

/** Messages per second; below ten with a decimal. */
export function formatRate(perSecond: number): string {
  return perSecond > 0 && perSecond < 9.95
    ? perSecond.toFixed(1)
    : formatCount(Math.round(perSecond))
}

/** Hours, minutes and seconds of the day. */
export function formatTime(atMs: number): string {
  return new Date(atMs).toLocaleTimeString('en-GB')
}

export function formatDateTime(atMs: number): string {
  return new Date(atMs).toLocaleString('en-GB')
}

/** Enough of a UUID to tell it from others. */
export function formatShortId(id: string): string {
  return id.slice(0, 8)
}

/** A key as it is read by people. */
export function formatKey(key: string | Uint8Array | null): string {
  if (key === null) return 'no key'
  return typeof key === 'string' ? key : formatQuantity(key.length, 'byte')
}

/** A value on one line, cut to a length. */
export function formatValue(value: unknown, lengthMax = 160): string {
  const text = (typeof value === 'string' ? value : toJson(value)).replaceAll(/\s+/g, ' ')
  return text.length > lengthMax ? `${text.slice(0, lengthMax - 1)}…` : text
}

/** A value as it is looked at by itself: indented, and cut only where nobody would read on. */
export function formatWholeValue(value: unknown, lengthMax = 20_000): string {
  const text = typeof value === 'string' ? value : toJson(value, 2)
  return text.length > lengthMax ? `${text.slice(0, lengthMax - 1)}…` : text
}

/** `12 s`, `3 min`, `2 h`: about so long. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`
  if (ms < 9_950) return `${(ms / 1_000).toFixed(1)} s`
  if (ms < 90_000) return `${Math.round(ms / 1_000)} s`
  if (ms < 5_400_000) return `${Math.round(ms / 60_000)} min`
  return `${Math.round(ms / 3_600_000)} h`
}

function toJson(value: unknown, indent?: number): string {
  try {
    return JSON.stringify(value, undefined, indent) ?? String(value)
  } catch {
    return Object.prototype.toString.call(value)
  }
}
