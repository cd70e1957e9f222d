/** What of stores is loaded when it is first used. */
export { readEntries } from './read-entries.js'
export { encodeChanges, MergedChanges } from './store-changes.js'
export { StoreWatch } from './store-watch.js'
