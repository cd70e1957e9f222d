/** The same with Dexie. */
import { Dexie, type EntityTable } from 'dexie'
import { orders, type Keyed } from './messages.js'
import { forEach, rate } from './timing.js'

interface Row extends Keyed {
  readonly id: number
}

const database = new Dexie('peer-dexie') as Dexie & { orders: EntityTable<Row, 'id'> }
database.version(1).stores({ orders: '++id' })

const PAGE_ROWS = 1_000

export const dexieSide = {
  async bulkAdd(transactions: number, rows: number, underWay: number): Promise<number> {
    const all = orders(rows)
    return rate(transactions * rows, () =>
      // Dexie gives the objects their keys, so each time they are others.
      forEach(transactions, underWay, () =>
        database.orders.bulkAdd(all.map((row) => ({ ...row }))),
      ),
    )
  },

  async addSingly(count: number): Promise<number> {
    const all = orders(count)
    return rate(count, () => Promise.all(all.map((row) => database.orders.add(row))))
  },

  /** Rows a second, of all there are, page by page behind the last key. */
  async readPaged(): Promise<number> {
    const count = await database.orders.count()
    let read = 0
    const perSecond = await rate(count, async () => {
      for (let last = 0; ;) {
        const page = await database.orders.where('id').above(last).limit(PAGE_ROWS).toArray()
        read += page.length
        const lastRow = page.at(-1)
        if (lastRow === undefined) return
        last = lastRow.id
      }
    })
    if (read !== count) throw new Error(`read ${read} of ${count} rows`)
    return perSecond
  },

  /** Rows a second, each taken out in a transaction of its own: a queue as one would write it. */
  async takeAll(count: number): Promise<number> {
    await database.orders.clear()
    await database.orders.bulkAdd(orders(count).map((row) => ({ ...row })))
    const takeOne = () =>
      database.transaction('rw', database.orders, async () => {
        const first = await database.orders.orderBy('id').first()
        if (first !== undefined) await database.orders.delete(first.id)
        return first
      })
    return rate(count, async () => {
      while ((await takeOne()) !== undefined);
    })
  },

  async clear(): Promise<void> {
    await database.orders.clear()
  },
}
