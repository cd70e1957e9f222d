/** How the page writes numbers, sizes, times, keys and values. */
const count = new Intl.NumberFormat('en')

export function formatCount(value: number): string {
  return count.format(value)
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

function toJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    return Object.prototype.toString.call(value)
  }
}
