/** The floor's end in the page: see bare-worker.ts. */
import { openDB } from 'idb'
import { forEach, latencies } from './timing.js'

interface Told {
  readonly id?: number
  readonly buffers?: readonly ArrayBuffer[]
}

let port: MessagePort | undefined
let asked = 0
const waiting = new Map<number, () => void>()
let onRelayed: (buffers: readonly ArrayBuffer[]) => void = () => {}

function connect(): MessagePort {
  if (port !== undefined) return port
  // In one expression, or the bundler does not see that this is a worker.
  const worker = new SharedWorker(new URL('./bare-worker.ts', import.meta.url), { type: 'module' })
  port = worker.port
  port.addEventListener('message', ({ data: { id, buffers } }: MessageEvent<Told>) => {
    if (buffers !== undefined) onRelayed(buffers)
    if (id === undefined) return
    waiting.get(id)?.()
    waiting.delete(id)
  })
  port.start()
  return port
}

/** What is put: the rows that a broker has made of messages. */
let rows: readonly ArrayBuffer[] = []

/** Resolves when all of it is committed. */
function put(isRelayed = false): Promise<void> {
  const id = ++asked
  const buffers = rows.map((row) => row.slice(0))
  return new Promise((resolve) => {
    waiting.set(id, resolve)
    connect().postMessage({ id, buffers, isRelayed }, buffers)
  })
}

export const bareSide = {
  /** Takes all messages that the broker has, in its rows, and says how large these are. */
  async takeRows(broker: string): Promise<number[]> {
    const database = await openDB(`tabmq:${broker}`)
    const [inRows, journal] = await Promise.all([
      database.getAll('batches') as Promise<ArrayBuffer[]>,
      database.getAll('journal') as Promise<{ batches?: ArrayBuffer }[]>,
    ])
    rows = [...inRows, ...journal.flatMap(({ batches }) => batches ?? [])]
    database.close()
    return rows.map(({ byteLength }) => byteLength)
  },

  /** Bytes a second of transactions that put them all. */
  async put(transactions: number, underWay: number): Promise<number> {
    const bytes = transactions * rows.reduce((sum, { byteLength }) => sum + byteLength, 0)
    const startMs = performance.now()
    await forEach(transactions, underWay, () => put())
    return (bytes / (performance.now() - startMs)) * 1_000
  },

  putLatencies(count: number): Promise<number[]> {
    return latencies(count, () => put())
  },

  /** Sends back whatever it is sent. */
  echo(): void {
    connect()
    onRelayed = (buffers) => {
      rows = buffers
      void put(true)
    }
  },

  /** One way each, in milliseconds: half of there and back, each way put before it is passed on. */
  async oneWays(count: number): Promise<number[]> {
    const there = () => {
      const back = new Promise<void>((resolve) => {
        onRelayed = () => resolve()
      })
      void put(true)
      return back
    }
    await there()
    return (await latencies(count, there)).map((tookMs) => tookMs / 2)
  },
}
