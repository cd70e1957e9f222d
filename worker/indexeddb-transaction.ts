/**
 * How a transaction ends. Its own events alone are waited for: in a transaction that Chromium aborts
 * for want of space, a request now and then gets no event at all, and whoever waits for each of them
 * waits for ever (seen in Chromium 156, about once in ten transactions).
 */
import { ignore } from './indexeddb-errors.js'

/** A transaction over whichever stores, idb's or the browser's own. */
interface AnyTransaction {
  readonly error: DOMException | null
  readonly done?: Promise<void>
  addEventListener(type: 'complete' | 'abort', listener: () => void): void
}

/** Resolves when it has completed, and rejects with the reason when it was aborted. */
export function ended(transaction: AnyTransaction): Promise<void> {
  transaction.done?.catch(ignore)
  const end = new Promise<void>((resolve, reject) => {
    transaction.addEventListener('complete', () => resolve())
    transaction.addEventListener('abort', () => reject(reasonOf(transaction)))
  })
  end.catch(ignore)
  return end
}

/** What `work` on the transaction comes to, unless that is aborted first. */
export function unlessAborted<T>(transaction: AnyTransaction, work: Promise<T>): Promise<T> {
  transaction.done?.catch(ignore)
  return new Promise((resolve, reject) => {
    transaction.addEventListener('abort', () => reject(reasonOf(transaction)))
    work.then(resolve, reject)
  })
}

/** The error of the request that failed, or of the commit; none when it was aborted from outside. */
function reasonOf(transaction: AnyTransaction): unknown {
  return transaction.error ?? new DOMException('the transaction was aborted', 'AbortError')
}
