/**
 * The floor: a SharedWorker that puts buffers as they come, with nothing decided about them, and one
 * that passes them on once they are put. Nothing that keeps messages can be faster.
 */
const DATABASE = 'bare'

interface Asked {
  readonly id: number
  /** One row each, in one relaxed transaction. */
  readonly buffers: readonly ArrayBuffer[]
  /** Whether every other port is sent them when they are put. */
  readonly isRelayed: boolean
}

const ports: MessagePort[] = []
const opened = open()
let key = 0

globalThis.addEventListener('connect', (event) => {
  const [port] = (event as MessageEvent).ports
  if (port === undefined) return
  ports.push(port)
  port.addEventListener('message', ({ data }: MessageEvent<Asked>) => void put(port, data))
  port.start()
})

async function put(port: MessagePort, { id, buffers, isRelayed }: Asked): Promise<void> {
  const database = await opened
  const transaction = database.transaction('rows', 'readwrite', { durability: 'relaxed' })
  const store = transaction.objectStore('rows')
  for (const buffer of buffers) store.put(buffer, key++)
  transaction.commit()
  await new Promise<void>((resolve, reject) => {
    transaction.addEventListener('complete', () => resolve())
    transaction.addEventListener('abort', () => reject(transaction.error ?? new Error('aborted')))
  })
  port.postMessage({ id })
  if (!isRelayed) return
  for (const other of ports) if (other !== port) other.postMessage({ buffers })
}

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1)
    request.addEventListener('upgradeneeded', () => request.result.createObjectStore('rows'))
    request.addEventListener('success', () => resolve(request.result))
    request.addEventListener('error', () => reject(request.error ?? new Error('not opened')))
  })
}
