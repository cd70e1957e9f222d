/** Why there can be no broker at all. */
import { TabmqError } from '../../src/index.js'

/** Undefined for an error that may pass, or that is about something else. */
export function whyThereIsNoBroker(error: unknown): string | undefined {
  if (error instanceof DOMException && error.name === 'SecurityError') return STORAGE_BLOCKED
  if (!(error instanceof TabmqError)) return undefined
  switch (error.code) {
    case 'SHARED_WORKER_UNSUPPORTED':
      return 'This browser has no SharedWorker, and the broker lives in one. Please use a current Chrome, Edge, Firefox or Safari on a computer.'
    case 'INSECURE_CONTEXT':
      return 'The broker needs a secure page. Please open this one over https, or from localhost.'
    case 'STORAGE_BLOCKED':
      return STORAGE_BLOCKED
    case 'STORAGE_VERSION_TOO_NEW':
      return 'A newer version of the broker has used this storage. Please close all tabs of this page and open it again.'
    default:
      return undefined
  }
}

const STORAGE_BLOCKED =
  'This browser blocks storage for this page, so there is nowhere to keep messages. Please allow cookies and site data for it, then reload.'
