/** What fails is told to whoever listens, else to the page's error reporting: it never goes into silence. */
import { TabmqError } from '../../protocol/errors.js'
import type { Events } from '../events.js'
import type { ClientHost } from '../host.js'
import type { ConsumerEvents } from './delivery.js'
import type { OwnedPartition } from './owned-partition.js'

export interface CrashParts {
  readonly host: ClientHost
  readonly events: Events<ConsumerEvents>
}

export interface Crash {
  readonly willRetry: boolean
  readonly partition?: OwnedPartition | undefined
  /** Where it is, if not at the partition's position. */
  readonly offset?: number | undefined
  /** Whether a loop throws the error: then that is how the page hears of it. */
  readonly isThrown?: boolean
}

export function tellCrash({ host, events }: CrashParts, error: unknown, crash: Crash): void {
  const { willRetry, partition, isThrown = false } = crash
  if (!isThrown && !events.has('crash')) host.reportError(error)
  const where =
    partition === undefined ? {} : { topic: partition.topic, partition: partition.partition }
  const offset = crash.offset ?? partition?.position
  const at = offset === undefined ? {} : { offset }
  void events.emit('crash', { error, willRetry, ...where, ...at })
}

/** Of what cannot be read, the error says where it is, and it is not tried again. */
export function tellDeliveryFailed(
  parts: CrashParts,
  error: unknown,
  partition: OwnedPartition | undefined,
): void {
  if (partition?.isStopped !== true || !(error instanceof TabmqError)) {
    return tellCrash(parts, error, { willRetry: true, partition })
  }
  const { code, message, details, cause } = error
  const { topic, partition: number, damagedAt: offset } = partition
  const named = new TabmqError(
    code,
    message,
    { ...details, topic, partition: number, offset },
    cause,
  )
  tellCrash(parts, named, { willRetry: false, partition, offset })
}
