/** What the bench's pages can be asked to do: see figures.ts, which asks. */
import { bareSide } from './bare-side.js'
import { dexieSide } from './dexie-side.js'
import { idbSide } from './idb-side.js'
import { localforageSide } from './localforage-side.js'
import { tabmqSide } from './tabmq-side.js'
import { workboxSide } from './workbox-side.js'

const sides = {
  tabmq: tabmqSide,
  idb: idbSide,
  dexie: dexieSide,
  localforage: localforageSide,
  workbox: workboxSide,
  bare: bareSide,
}

export type Sides = typeof sides

declare global {
  var bench: Sides
}
globalThis.bench = sides
