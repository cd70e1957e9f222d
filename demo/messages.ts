/**
 * The message area: whatever goes wrong is said here, with its code, and stays until it is closed or
 * pushed out by newer ones. A screen reader reads it as it appears.
 */
import { TabmqError } from '../src/index.js'
import { create } from './dom.js'

export type Tone = 'info' | 'problem'

const MESSAGES_MAX = 4
const CODES_FOR_THE_WHOLE_PAGE = new Set([
  'SHARED_WORKER_UNSUPPORTED',
  'INSECURE_CONTEXT',
  'STORAGE_BLOCKED',
  'STORAGE_VERSION_TOO_NEW',
])

export class Messages {
  readonly #list: HTMLElement
  readonly #notice: HTMLElement

  /** @param list is `aria-live`; `notice` is hidden until the page cannot work at all */
  constructor(list: HTMLElement, notice: HTMLElement) {
    this.#list = list
    this.#notice = notice
  }

  /** Says something; saying it again while it is there counts up instead of filling the area. */
  say(tone: Tone, text: string): void {
    const before = [...this.#list.children].find(
      (item): item is HTMLElement => item instanceof HTMLElement && item.dataset['text'] === text,
    )
    if (before !== undefined) {
      const times = Number(before.dataset['times'] ?? '1') + 1
      before.dataset['times'] = String(times)
      const count = before.querySelector('.message-times')
      if (count !== null) count.textContent = `${times} times`
      return
    }
    const close = create('button', {
      class: 'message-close',
      text: '×',
      attributes: { type: 'button', 'aria-label': 'Close this message' },
    })
    const item = create(
      'li',
      { class: `message message-${tone}` },
      create('p', { text }),
      create('span', { class: 'message-times' }),
      close,
    )
    item.dataset['text'] = text
    close.addEventListener('click', () => item.remove())
    this.#list.append(item)
    while (this.#list.children.length > MESSAGES_MAX) this.#list.firstElementChild?.remove()
  }

  /** @param doing what was tried, as the beginning of a sentence: `Sending failed` */
  fail(doing: string, error: unknown): void {
    if (error instanceof TabmqError && CODES_FOR_THE_WHOLE_PAGE.has(error.code)) {
      this.#showNotice(plainReason(error.code))
    } else if (isBlockedStorage(error)) {
      this.#showNotice(plainReason('STORAGE_BLOCKED'))
    }
    this.say('problem', `${doing}: ${describeError(error)}`)
  }

  #showNotice(text: string): void {
    this.#notice.hidden = false
    this.#notice.textContent = text
  }
}

/** The code and what it says, for errors of tabmq; for others their name. */
export function describeError(error: unknown): string {
  if (error instanceof TabmqError) return `${error.code} – ${error.message}`
  if (error instanceof Error) return `${error.name} – ${error.message}`
  return String(error)
}

function isBlockedStorage(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'SecurityError'
}

function plainReason(code: string): string {
  switch (code) {
    case 'SHARED_WORKER_UNSUPPORTED':
      return 'This browser has no SharedWorker, and the broker lives in one. Please use a current Chrome, Edge, Firefox or Safari on a computer.'
    case 'INSECURE_CONTEXT':
      return 'The broker needs a secure page. Please open this one over https, or from localhost.'
    case 'STORAGE_BLOCKED':
      return 'This browser blocks storage for this page, so there is nowhere to keep messages. Please allow cookies and site data for it, then reload.'
    default:
      return 'A newer version of the broker has used this storage. Please close all tabs of this page and open it again.'
  }
}
