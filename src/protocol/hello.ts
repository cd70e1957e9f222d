/** How a tab and the broker meet: the first call on a port, and what it may be answered. */
import type { SessionId } from './names.js'

/** The first call on a port: nothing else is answered before it. */
export interface Hello {
  readonly protocolVersion: number
  readonly sessionId: SessionId
  readonly clientId: string
  /** The Web Lock that the tab holds while it lives; absent where the transport itself tells. */
  readonly lockName?: string
  /** Which of a worker's brokers the tab means; absent where the transport leads to one only. */
  readonly brokerName?: string
}

export interface Welcome {
  readonly incarnation: string
  readonly brokerEpoch: number
  /** Which data these are: another id than before means that those before are gone. */
  readonly databaseId: string
}

/** The broker of that name runs in another worker, of another deployment: the tab may connect there. */
export interface Elsewhere {
  readonly elsewhere: WorkerAddress
}

/** What a SharedWorker is known by: a tab that names the same three gets the one that runs. */
export interface WorkerAddress {
  readonly url: string
  readonly name: string
  readonly type: 'classic' | 'module'
}
