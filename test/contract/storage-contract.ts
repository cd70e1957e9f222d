/**
 * What every Storage must do, as one list of cases. It runs on memory and on fake-indexeddb under
 * Vitest, and on the browser's own IndexedDB inside a page, where a Playwright test starts it. A
 * runner iterates over the cases and calls each as `withStorageContext(backend, case.run)`.
 */
import type { StorageCase } from './storage-context.js'
import { COMMIT_CASES } from './storage-commit-cases.js'
import { LIFECYCLE_CASES } from './storage-lifecycle-cases.js'
import { MODEL_CASES } from './storage-model-cases.js'
import { READ_CASES } from './storage-read-cases.js'
import { STORE_CASES } from './storage-store-cases.js'

export const STORAGE_CASES: readonly StorageCase[] = [
  ...LIFECYCLE_CASES,
  ...COMMIT_CASES,
  ...READ_CASES,
  ...STORE_CASES,
  ...MODEL_CASES,
]
