/** The floor's end in the page: see bare-worker.ts. */
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

/** Resolves when all of it is committed. */
function put(sizes: readonly number[], isRelayed = false): Promise<void> {
  const id = ++asked
  const buffers = sizes.map((size) => new ArrayBuffer(size))
  return new Promise((resolve) => {
    waiting.set(id, resolve)
    connect().postMessage({ id, buffers, isRelayed }, buffers)
  })
}

export const bareSide = {
  /** Bytes a second of transactions that put rows of these sizes. */
  async put(transactions: number, sizes: readonly number[], underWay: number): Promise<number> {
    const bytes = transactions * sizes.reduce((sum, size) => sum + size, 0)
    const startMs = performance.now()
    await forEach(transactions, underWay, () => put(sizes))
    return (bytes / (performance.now() - startMs)) * 1_000
  },

  putLatencies(count: number, size: number): Promise<number[]> {
    return latencies(count, () => put([size]))
  },

  /** Sends back whatever it is sent. */
  echo(): void {
    connect()
    onRelayed = (buffers) =>
      void put(
        buffers.map(({ byteLength }) => byteLength),
        true,
      )
  },

  /** One way each, in milliseconds: half of there and back, each way put before it is passed on. */
  async oneWays(count: number, size: number): Promise<number[]> {
    const there = () => {
      const back = new Promise<void>((resolve) => {
        onRelayed = () => resolve()
      })
      void put([size], true)
      return back
    }
    await there()
    return (await latencies(count, there)).map((tookMs) => tookMs / 2)
  },
}
