/**
 * What is measured, in the page: messages through the broker, and the same bytes through IndexedDB
 * alone, which is what nothing above it can be faster than. Each round uses a topic, or a store, of
 * its own.
 */
import { openDB } from 'idb'
import { Tabmq } from '../../src/index.js'

export interface Load {
  readonly messages: number
  readonly valueBytes: number
}

export interface Rates {
  /** Messages per second. */
  readonly send: number
  readonly consume: number
  readonly indexedDb: number
}

const mq = new Tabmq({ name: 'bench' })
const BATCH_BYTES = 1024 * 1024

const benchmark = {
  async round(round: number, load: Load): Promise<Rates> {
    const topic = `round-${round}-${load.valueBytes}`
    await mq.admin().createTopics({ topics: [{ topic, numPartitions: 1 }] })
    return {
      send: await send(topic, load),
      consume: await consume(topic, load),
      indexedDb: await writeAlone(topic, load),
    }
  },
}

declare global {
  var bench: typeof benchmark
}
globalThis.bench = benchmark

/** Until all are acknowledged, `send` called for one after the other without waiting. */
async function send(topic: string, { messages, valueBytes }: Load): Promise<number> {
  const producer = mq.producer({ codec: 'bytes' })
  const value = randomBytes(valueBytes)
  const startMs = performance.now()
  const sent: Promise<unknown>[] = []
  for (let i = 0; i < messages; i++) sent.push(producer.send({ topic, messages: [{ value }] }))
  await Promise.all(sent)
  const rate = perSecond(messages, startMs)
  await producer.disconnect()
  return rate
}

/** From the start of a new group until the last message is handled. */
async function consume(topic: string, { messages }: Load): Promise<number> {
  const consumer = mq.consumer({ groupId: topic })
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  let left = messages
  const startMs = performance.now()
  await new Promise<void>((resolve, reject) => {
    const eachMessage = () => {
      left -= 1
      if (left === 0) resolve()
    }
    consumer.run({ eachMessage }).catch(reject)
  })
  const rate = perSecond(messages, startMs)
  await consumer.disconnect()
  return rate
}

/** The same bytes in rows of a batch's size, each in a transaction of its own. */
async function writeAlone(store: string, { messages, valueBytes }: Load): Promise<number> {
  const database = await openDB(store, 1, {
    upgrade: (made) => void made.createObjectStore('rows'),
  })
  const row = randomBytes(Math.min(BATCH_BYTES, messages * valueBytes)).buffer
  const rows = Math.ceil((messages * valueBytes) / row.byteLength)
  const startMs = performance.now()
  for (let key = 0; key < rows; key++) {
    const transaction = database.transaction('rows', 'readwrite', { durability: 'relaxed' })
    await Promise.all([transaction.store.put(row, key), transaction.done])
  }
  const rate = perSecond(messages, startMs)
  database.close()
  indexedDB.deleteDatabase(store)
  return rate
}

function perSecond(messages: number, startMs: number): number {
  return (messages / (performance.now() - startMs)) * 1_000
}

/** Not to be compressed by whoever stores it. */
function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; at += 65_536)
    crypto.getRandomValues(bytes.subarray(at, at + 65_536))
  return bytes
}
