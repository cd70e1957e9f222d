/** The same with localforage, which has no way to write more than one at a time. */
import localforage from 'localforage'
import { orders } from './messages.js'
import { rate } from './timing.js'

const store = localforage.createInstance({ name: 'peer-localforage' })
let key = 0

export const localforageSide = {
  async setItems(count: number): Promise<number> {
    const all = orders(count)
    return rate(count, () => Promise.all(all.map((row) => store.setItem(`${key++}`, row))))
  },

  clear: (): Promise<void> => store.clear(),
}
