/** A row for each message with idb, as an app does it without a broker. */
import { openDB, type DBSchema, type IDBPDatabase } from 'idb'
import { orders, type Keyed } from './messages.js'
import { forEach, rate } from './timing.js'

interface Schema extends DBSchema {
  orders: { key: number; value: Keyed }
}

let database: Promise<IDBPDatabase<Schema>> | undefined

function open(): Promise<IDBPDatabase<Schema>> {
  database ??= openDB<Schema>('peer-idb', 1, {
    upgrade: (made) => void made.createObjectStore('orders', { autoIncrement: true }),
  })
  return database
}

export const idbSide = {
  /** Rows a second: each transaction adds so many. */
  async add(transactions: number, rows: number, underWay: number): Promise<number> {
    const all = orders(rows)
    const opened = await open()
    return rate(transactions * rows, () =>
      forEach(transactions, underWay, async () => {
        const transaction = opened.transaction('orders', 'readwrite', { durability: 'relaxed' })
        for (const row of all) void transaction.store.add(row)
        await transaction.done
      }),
    )
  },

  async clear(): Promise<void> {
    await (await open()).clear('orders')
  },
}
