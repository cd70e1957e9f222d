/**
 * A broker's limits as a user gives them: known names only, each a whole number above zero.
 */
import { TabmqError } from './errors.js'
import { BROKER_LIMITS, type BrokerLimits } from './limits.js'
import { describe, detailOf } from './names.js'

/**
 * All limits: those given, and the defaults of the others.
 * @throws TabmqError INVALID_CONFIG, naming the limit
 */
export function parseBrokerLimits(value: unknown): BrokerLimits {
  if (value === undefined) return BROKER_LIMITS
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TabmqError('INVALID_CONFIG', `limits must be an object, not ${describe(value)}`, {
      option: 'limits',
    })
  }
  const limits: Record<keyof BrokerLimits, number> = { ...BROKER_LIMITS }
  for (const [name, limit] of Object.entries(value)) {
    if (limit !== undefined) limits[parseName(name)] = parseLimit(name, limit)
  }
  const { sessionTimeoutMsMin, sessionTimeoutMsMax } = limits
  if (sessionTimeoutMsMin > sessionTimeoutMsMax) {
    throw new TabmqError('INVALID_CONFIG', 'sessionTimeoutMsMin is above sessionTimeoutMsMax', {
      option: 'sessionTimeoutMsMin',
      sessionTimeoutMsMin,
      sessionTimeoutMsMax,
    })
  }
  return limits
}

function parseName(name: string): keyof BrokerLimits {
  if (Object.hasOwn(BROKER_LIMITS, name)) return name as keyof BrokerLimits
  throw new TabmqError('INVALID_CONFIG', `there is no limit named ${describe(name)}`, {
    option: name,
    options: Object.keys(BROKER_LIMITS),
  })
}

function parseLimit(name: string, value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) >= 1) return value as number
  const message = `${name} must be a whole number of at least 1, not ${describe(value)}`
  throw new TabmqError('INVALID_CONFIG', message, { option: name, value: detailOf(value) })
}
