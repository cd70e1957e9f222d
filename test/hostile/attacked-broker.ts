/**
 * A broker behind the worker's own ports, and tabs that reach it over real message channels. Its
 * clock stands still, so that what changes between two looks was changed by a call.
 */
import * as Comlink from 'comlink'
import type { Timer } from '../../src/broker/ports.js'
import { Broker } from '../../src/broker/runtime/broker.js'
import { MemoryDatabase, MemoryStorage } from '../../src/broker/runtime/memory-storage.js'
import type { BrokerEndpoint } from '../../src/protocol/endpoints.js'
import { REPLY, type BrokerLimits } from '../../src/protocol/limits.js'
import { PROTOCOL_VERSION } from '../../src/protocol/protocol-version.js'
import { FakeTime } from '../broker/fake-time.js'
import { workerOf, type BrokerWorker } from '../worker/broker-worker.js'
import { random } from '../../worker/worker-host.js'

const NOW_MS = 1_700_000_000_000

/** Calls of a port, with whatever arguments. */
export type RawEndpoint = {
  readonly [M in keyof BrokerEndpoint<never>]: (...args: readonly unknown[]) => Promise<unknown>
}

export class AttackedBroker {
  readonly broker: Broker
  readonly worker: BrokerWorker
  readonly database: MemoryDatabase
  readonly timers: CountedTimer
  /** What the broker said: nothing, as long as all is well. */
  readonly logged: string[]
  readonly #ports: MessagePort[] = []

  private constructor(
    parts: Pick<AttackedBroker, 'broker' | 'database' | 'timers'> & { logged: string[] },
  ) {
    this.broker = parts.broker
    this.worker = workerOf(parts.broker, new FakeTime())
    this.database = parts.database
    this.timers = parts.timers
    this.logged = parts.logged
  }

  static async start(limits: Partial<BrokerLimits> = {}): Promise<AttackedBroker> {
    const database = new MemoryDatabase()
    const timers = new CountedTimer()
    const logged: string[] = []
    const log = (message: string, details?: unknown) =>
      logged.push(`${message}: ${String(details)}`)
    // It has been there for so long that no tab is still on its way from the one before.
    let nowMs = NOW_MS - REPLY.reconnectMs
    const broker = await Broker.start({
      storage: new MemoryStorage(database),
      clock: { nowMs: () => nowMs },
      timer: timers,
      random,
      logger: { warn: log, error: log },
      limits,
    })
    nowMs = NOW_MS
    return new AttackedBroker({ broker, database, timers, logged })
  }

  /** A port of the worker, before any hello. */
  openPort(): RawEndpoint {
    const { port1, port2 } = this.channel()
    this.worker.serve(port2)
    return Comlink.wrap<RawEndpoint>(port1)
  }

  /** A tab that has said hello, and takes what is pushed to it unless it is told not to. */
  async openTab(sessionId: string, { answersPushes = true } = {}): Promise<RawEndpoint> {
    const endpoint = this.openPort()
    const reply = await endpoint.hello(helloOf(sessionId), this.pushPort({ answersPushes }))
    if ((reply as { ok: boolean }).ok) return endpoint
    throw new Error(`the hello was refused: ${JSON.stringify(reply)}`)
  }

  /** The broker's end of a new channel for pushes, ready to be sent. */
  pushPort({ answersPushes = true } = {}): MessagePort {
    const { port1, port2 } = this.channel()
    if (answersPushes) Comlink.expose({ push: () => {} }, port1)
    return Comlink.transfer(port2, [port2])
  }

  channel(): MessageChannel {
    const channel = new MessageChannel()
    this.#ports.push(channel.port1, channel.port2)
    return channel
  }

  /** Everything that a call can change, as it is when nothing is under way any more. */
  async state(): Promise<unknown> {
    for (let before = ''; ;) {
      await this.broker.apply({ records: [], response: undefined })
      const partitions = [...this.broker.state.logs.all()]
      await Promise.all(
        partitions.map(({ partitionId }) => this.broker.batchesDurable(partitionId, Infinity)),
      )
      await new Promise((resolve) => setImmediate(resolve))
      const { broker, database } = this
      const { topics, logs, groups } = broker.state
      const state = structuredClone({
        database,
        topics: topics.all(),
        logs: [...logs.all()].map((log) => [log.describe(), [...log.producers()]]),
        groups: groups.describeAll(),
        nextPartitionId: topics.nextPartitionId,
        nextDeadlineMs: groups.nextDeadlineMs(),
        ...this.counts(),
      })
      const now = JSON.stringify(state, mapsAsLists)
      if (now === before) return state
      before = now
    }
  }

  /** What a call could leave behind in memory. */
  counts() {
    const { purgatory, watches, replies } = this.broker
    return { waiting: purgatory.size, watches: watches.size, replies: replies.size }
  }

  async close(): Promise<void> {
    for (const port of this.#ports) port.close()
    await this.broker.close()
  }
}

export function helloOf(sessionId: string) {
  return { protocolVersion: PROTOCOL_VERSION, sessionId, clientId: 'a tab' }
}

/** A deadline as far away is never reached by a clock that stands still; a fetch's wait is over. */
const STANDS_STILL_MS = 500

export class CountedTimer implements Timer {
  /** Timers that are set now. */
  count = 0

  schedule(delayMs: number, callback: () => void): () => void {
    let isSet = true
    this.count += 1
    const unset = () => {
      if (isSet) this.count -= 1
      isSet = false
    }
    const fire = () => {
      unset()
      callback()
    }
    const id = delayMs < STANDS_STILL_MS ? setTimeout(fire, delayMs) : undefined
    return () => {
      clearTimeout(id)
      unset()
    }
  }
}

function mapsAsLists(_key: string, value: unknown): unknown {
  if (value instanceof Map) return [...value]
  return value instanceof ArrayBuffer ? [...new Uint8Array(value)] : value
}
