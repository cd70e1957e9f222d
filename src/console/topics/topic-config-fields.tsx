/** The fields of a topic's config, and what is typed into them as a config. */
import type { TopicConfig } from '../../index.js'
import { TextField } from '../parts/fields.js'
import { readWholeNumber } from '../parts/whole-number.js'

/** As typed. */
export interface ConfigText {
  readonly retention: string
  readonly retentionBytes: string
  readonly maxMessageBytes: string
  readonly dedupWindow: string
}

export const DEFAULT_CONFIG_TEXT: ConfigText = {
  retention: '7d',
  retentionBytes: '',
  maxMessageBytes: '1048576',
  dedupWindow: '',
}

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/**
 * `90s`, `7 d`, `250 ms`; without a unit, ms. Undefined for what is no duration.
 */
export function parseDuration(text: string): number | undefined {
  const [, number, unit = 'ms'] = /^(\d+(?:\.\d+)?)\s*(ms|s|min|m|h|d)?$/.exec(text.trim()) ?? []
  const size = UNITS[unit]
  if (number === undefined || size === undefined) return undefined
  const ms = Math.round(Number(number) * size)
  return Number.isSafeInteger(ms) ? ms : undefined
}

/** The shortest text that {@link parseDuration} reads as this. */
export function durationText(ms: number): string {
  const unit = (['d', 'h', 'min', 's'] as const).find((one) => ms % (UNITS[one] ?? 1) === 0)
  return unit === undefined || ms === 0 ? `${ms}ms` : `${ms / (UNITS[unit] ?? 1)}${unit}`
}

export function configToText(config: TopicConfig): ConfigText {
  const { retentionMs, retentionBytes, maxMessageBytes, dedupWindowMs } = config
  return {
    retention: retentionMs === null ? '' : durationText(retentionMs),
    retentionBytes: retentionBytes === null ? '' : String(retentionBytes),
    maxMessageBytes: String(maxMessageBytes),
    dedupWindow: dedupWindowMs === null ? '' : durationText(dedupWindowMs),
  }
}

export type ConfigErrors = Partial<Record<keyof ConfigText, string>>

/** What was typed; where there are errors, the config is not whole. The broker has the last word. */
export function textToConfig(text: ConfigText): { config: TopicConfig; errors: ConfigErrors } {
  const errors: ConfigErrors = {}
  const duration = (name: 'retention' | 'dedupWindow') => {
    if (text[name].trim() === '') return null
    const ms = parseDuration(text[name])
    if (ms === undefined) errors[name] = 'A number and a unit, such as 90s, 12h or 7d.'
    return ms ?? null
  }
  const bytes = (name: 'retentionBytes' | 'maxMessageBytes') => {
    const isOptional = name === 'retentionBytes'
    const { number, error } = readWholeNumber(text[name], { isOptional })
    if (error !== undefined) errors[name] = 'A whole number of bytes.'
    return number ?? null
  }
  const config = {
    retentionMs: duration('retention'),
    retentionBytes: bytes('retentionBytes'),
    maxMessageBytes: bytes('maxMessageBytes') ?? 0,
    dedupWindowMs: duration('dedupWindow'),
  }
  return { config, errors }
}

export interface ConfigFieldsProps {
  readonly text: ConfigText
  readonly onChange: (text: ConfigText) => void
}

export function ConfigFields({ text, onChange }: ConfigFieldsProps) {
  const { errors } = textToConfig(text)
  const field = (name: keyof ConfigText, label: string, hint: string) => (
    <TextField
      label={label}
      hint={hint}
      value={text[name]}
      error={errors[name]}
      onInput={(value) => onChange({ ...text, [name]: value })}
    />
  )
  return (
    <div class="fields">
      {field('retention', 'Keep messages for', 'Such as 12h or 7d; empty: for good.')}
      {field('retentionBytes', 'Keep up to, bytes', 'Each partition; empty: any size.')}
      {field('maxMessageBytes', 'Largest message, bytes', 'Key, headers and value.')}
      {field('dedupWindow', 'Know message ids for', 'Empty: repeats are not looked for.')}
    </div>
  )
}
