/**
 * A tab that is broken or means harm: it talks to the broker's real worker past the library. What it
 * throws is drawn from a seed, as in the tests in Node.
 */
import * as Comlink from 'comlink'
import fc from 'fast-check'
import { BROKER_LIMITS } from '../../../src/protocol/limits.js'
import { PROTOCOL_VERSION } from '../../../src/protocol/protocol-version.js'
import { parseRequest } from '../../../src/protocol/requests/parse-request.js'
import { batchOf } from '../../broker/batches.js'
import {
  API_NAMES,
  grantedRequests,
  hostileRequest,
  type Known,
} from '../../hostile/hostile-calls.js'
import { NASTY, pathsIn, replaced } from '../../hostile/hostile-values.js'
import { faultOf, isRefusal } from '../../hostile/verdict.js'

interface RawBroker {
  hello(...args: readonly unknown[]): Promise<unknown>
  request(request: unknown): Promise<unknown>
  goodbye(options: object): Promise<void>
}

const brokerName = new URL(location.href).searchParams.get('broker') ?? 'test'
const SILENCE_MS = 20_000
const flooding = { isOn: false }
let flood: Promise<void>[] = []
let flooded = { asked: 0, granted: 0, refused: {} as Record<string, number> }

const hostile = {
  /** Random calls; what is wrong with any reply. */
  async throwAnything(options: { readonly seed: number; readonly runs: number }) {
    const { seed, runs } = options
    const { port, known } = await connected()
    const faults: string[] = []
    let refusals = 0
    for (const request of fc.sample(hostileRequest(known), { seed, numRuns: runs })) {
      const reply = await settled(port, request)
      if (reply === 'not sent') continue
      const fault = faultOf(reply)
      if (fault !== undefined) faults.push(`${shown(request)}: ${fault}`)
      if (isRefusal(reply)) refusals += 1
    }
    // What it was granted goes with it: its members, its watches.
    void port.goodbye({ isTabGone: true })
    return { faults, refusals }
  },

  /** Every part of every API by every nasty value. */
  async throwEverything() {
    const { port, known } = await connected()
    const faults: string[] = []
    let refusals = 0
    for (const request of refusedRequests(known)) {
      const reply = await settled(port, request)
      if (reply === 'not sent') continue
      refusals += 1
      const fault = faultOf(reply) ?? (isRefusal(reply) ? undefined : 'granted')
      if (fault !== undefined) faults.push(`${shown(request)}: ${fault}`)
    }
    return { faults, refusals }
  },

  /** So many calls at once, again as soon as one is answered, until `calm`. */
  async flood(kind: keyof typeof FLOODS, atOnce: number) {
    const { port, known } = await connected(`flood-${kind}`)
    const requests = FLOODS[kind](known)
    flooding.isOn = true
    flooded = { asked: 0, granted: 0, refused: {} }
    flood = Array.from({ length: atOnce }, () => floodOn(port, requests))
  },

  /** Ends the flood, and waits until it has run off. */
  async calm() {
    flooding.isOn = false
    await Promise.all(flood)
    return flooded
  },
}

/** Requests that the parser refuses, so that nothing may come of any of them. */
function* refusedRequests(known: Known): Iterable<unknown> {
  for (const api of API_NAMES) {
    const request = { api, ...grantedRequests(known)[api] }
    for (const path of pathsIn(request)) {
      for (const make of NASTY) {
        const broken = replaced(request, path, make())
        if (isRefusedByParser(broken)) yield broken
      }
    }
  }
}

function isRefusedByParser(request: unknown): boolean {
  try {
    parseRequest(structuredClone(request), BROKER_LIMITS)
    return false
  } catch (error) {
    return !(error instanceof DOMException)
  }
}

const MIB = 1024 * 1024

/** What to flood with: as much as it can do within its limits. */
const FLOODS = {
  /** Refused by the parser, late. */
  rubbish: () => () => ({ api: 'deleteTopics', topics: [...ten('orders'), ''] }),
  /** Batches of a mebibyte, each for the disk. */
  batches: ({ partitionIds }: Known) => {
    const [partitionId] = partitionIds
    const batch = batchOf({ bytes: MIB })
    return () => ({ api: 'produce', acks: 1, batches: [{ partitionId, batch }] })
  },
  /** The log from its beginning, again and again, by many fetchers. */
  fetches: ({ partitionIds }: Known) => {
    const [partitionId] = partitionIds
    let next = 0
    return () => ({
      api: 'fetch',
      fetcherId: `f${next++ % 200}`,
      partitions: [{ partitionId, offset: 0, maxBytes: 64 * MIB }],
      maxBytes: 64 * MIB,
      minBytes: 1,
      maxWaitMs: 100,
    })
  },
  /** Members with patterns that are new each time, and have to be matched with all topics. */
  patterns: () => {
    let next = 0
    return () => ({
      api: 'groupHeartbeat',
      groupId: 'flooded',
      member: { memberId: `m${next % 50}`, memberEpoch: 0 },
      options: { sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 5_000, assignor: 'uniform' },
      subscription: {
        topics: [],
        patterns: [{ source: `^(a?b?c?o?r?d?e?s?){30}x${next++}$`, flags: '' }],
      },
      owned: [],
    })
  },
}

function ten(topic: string): string[] {
  return Array.from({ length: 10 }, (_, index) => `${topic}-${index}`)
}

async function floodOn(port: RawBroker, request: () => unknown): Promise<void> {
  while (flooding.isOn) {
    flooded.asked += 1
    const reply = (await port.request(request())) as {
      ok: boolean
      error?: { code: string }
    }
    if (reply.ok) flooded.granted += 1
    else if (reply.error !== undefined) {
      const { code } = reply.error
      flooded.refused[code] = (flooded.refused[code] ?? 0) + 1
    }
  }
}

/** A port of its own with a session of its own, and topics to name. */
async function connected(sessionId: string = crypto.randomUUID()) {
  const worker = new SharedWorker(new URL('../../../worker/shared-worker.js', import.meta.url), {
    type: 'module',
    name: `tabmq:${brokerName}`,
  })
  const port = Comlink.wrap<RawBroker>(worker.port)
  const { port1, port2 } = new MessageChannel()
  Comlink.expose({ push: () => {} }, port1)
  const hello = { protocolVersion: PROTOCOL_VERSION, sessionId, clientId: 'hostile', brokerName }
  await port.hello(hello, Comlink.transfer(port2, [port2]))
  const topics = ['orders', 'refunds'].map((topic) => ({ topic, numPartitions: 2, config: {} }))
  await port.request({ api: 'createTopics', topics, ifNotExists: true, validateOnly: false })
  const metadata = (await port.request({ api: 'metadata', topics: ['orders', 'refunds'] })) as {
    value: { topics: { partitionIds: number[] }[] }
  }
  const partitionIds = metadata.value.topics.flatMap((topic) => topic.partitionIds)
  const known: Known = { partitionIds, groupId: 'g', memberId: 'm', memberEpoch: 1 }
  return { port, known }
}

/** The reply, which must come; what cannot be cloned does not even leave. */
async function settled(port: RawBroker, request: unknown): Promise<unknown> {
  const silence = new Promise((resolve) => {
    setTimeout(() => resolve('silence'), SILENCE_MS)
  })
  try {
    return await Promise.race([port.request(request), silence])
  } catch (error) {
    if (error instanceof DOMException && error.name === 'DataCloneError') return 'not sent'
    throw error
  }
}

function shown(request: unknown): string {
  return fc.stringify(request).slice(0, 300)
}

export type HostileTab = typeof hostile
declare global {
  var hostile: HostileTab
}
globalThis.hostile = hostile
