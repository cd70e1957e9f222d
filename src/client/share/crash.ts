/** What failed is told to whoever listens, else to the page: it never goes into silence. */
import type { Events } from '../events.js'
import type { ClientHost } from '../host.js'
import type { HeldMessage } from './held-message.js'
import type { ShareConsumerEvents } from './share-delivery.js'

export interface CrashParts {
  readonly host: ClientHost
  readonly events: Events<ShareConsumerEvents>
}

export function tellCrash(
  { host, events }: CrashParts,
  error: unknown,
  { willRetry, held }: { readonly willRetry: boolean; readonly held?: HeldMessage },
): void {
  if (!events.has('crash')) host.reportError(error)
  if (held === undefined) {
    void events.emit('crash', { error, willRetry })
    return
  }
  const { topic, partition } = held.partition
  void events.emit('crash', { error, willRetry, topic, partition, offset: held.record.offset })
}
