/**
 * A topic's config as a user gives it: known names only, each in its range.
 */
import { TabmqError } from './errors.js'
import { isPlainObject, withoutNegativeZero } from './fields.js'
import { MAX_MESSAGE_BYTES_MAX, TOPIC_DEFAULTS } from './limits.js'
import { describe, detailOf } from './names.js'
import type { TopicConfig } from './requests/topics.js'

interface ConfigRule {
  readonly min: number
  readonly max: number
  /** Whether null is allowed: no limit. */
  readonly nullable: boolean
}

const RULES: Readonly<Record<keyof TopicConfig, ConfigRule>> = {
  retentionMs: { min: 1, max: Number.MAX_SAFE_INTEGER, nullable: true },
  retentionBytes: { min: 0, max: Number.MAX_SAFE_INTEGER, nullable: true },
  maxMessageBytes: { min: 1, max: MAX_MESSAGE_BYTES_MAX, nullable: false },
  dedupWindowMs: { min: 1, max: Number.MAX_SAFE_INTEGER, nullable: true },
}

/** What a topic has that says nothing, and one of before there was the entry. */
export function defaultTopicConfig(): TopicConfig {
  const { numPartitions: _, ...config } = TOPIC_DEFAULTS
  return config
}

/** @throws TabmqError INVALID_CONFIG, naming the entry */
export function parseTopicConfig(value: unknown): Partial<TopicConfig> {
  if (!isPlainObject(value)) {
    throw new TabmqError('INVALID_CONFIG', `a config must be an object, not ${describe(value)}`, {})
  }
  const config: Partial<Record<keyof TopicConfig, number | null>> = {}
  for (const [name, entry] of Object.entries(value)) {
    if (entry === undefined) continue
    if (!Object.hasOwn(RULES, name)) {
      throw new TabmqError('INVALID_CONFIG', `there is no topic config named ${describe(name)}`, {
        config: detailOf(name),
      })
    }
    const known = name as keyof TopicConfig
    config[known] = parseEntry(known, entry)
  }
  return config as Partial<TopicConfig>
}

function parseEntry(name: keyof TopicConfig, value: unknown): number | null {
  const { min, max, nullable } = RULES[name]
  if (value === null && nullable) return null
  if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max) {
    return withoutNegativeZero(value as number)
  }
  const expected = `a whole number from ${min} to ${max}${nullable ? ', or null for no limit' : ''}`
  throw new TabmqError('INVALID_CONFIG', `${name} must be ${expected}, not ${describe(value)}`, {
    config: name,
    value: detailOf(value),
  })
}
