/** What this worker shares with the others of its origin: Web Locks and broadcast channels. */
import type { Origin } from '../src/broker/ports.js'
import type { WorkerAddress } from '../src/protocol/hello.js'
import { requestLock } from './locks.js'

declare const self: SharedWorkerGlobalScope & { importScripts(): void }

export const origin: Origin = {
  requestLock,
  openChannel(channelName, onMessage) {
    const channel = new BroadcastChannel(channelName)
    channel.addEventListener('message', ({ data }) => onMessage(data))
    return {
      post: (message) => channel.postMessage(message),
      close: () => channel.close(),
    }
  },
}

/** How a tab gets to this worker. */
export function ownAddress(): WorkerAddress {
  return { url: self.location.href, name: self.name, type: ownType() }
}

/** A tab that names the other type gets an error event (rule 35). Only classic scripts may import so. */
function ownType(): WorkerAddress['type'] {
  try {
    self.importScripts()
    return 'classic'
  } catch {
    return 'module'
  }
}
