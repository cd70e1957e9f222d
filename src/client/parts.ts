/** What of the client is loaded when it is first used. */
import { Part } from './part.js'

/** All of an `Admin` but `createTopics`. */
export const adminPart = new Part('administration', () => import('./admin/admin-calls.js'))

export const exchangesPart = new Part('exchanges', () => import('./producer/publisher.js'))

export const requestsPart = new Part('requests', () => import('./request/requester.js'))

export const sharesPart = new Part('share consumers', () => import('./share/share-run.js'))

/** What reading, writing and deleting single entries can do without. */
export const storesPart = new Part('stores', () => import('./store/store-part.js'))
