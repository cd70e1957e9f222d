/**
 * The message area: whatever goes wrong is said here, and stays until it is closed, pushed out by
 * newer ones, or no longer true: each message is about something, and what is tried again or has
 * worked is forgotten. A screen reader reads it as it appears.
 */
import { describeError } from './describe-error.js'
import { create } from './dom.js'
import type { WholePage } from './whole-page.js'

export type Tone = 'info' | 'problem'

/** What a message is about. */
export type Subject =
  | 'start'
  | 'new tab'
  | 'worker'
  | 'clear'
  | 'replay'
  | 'file'
  | 'file under way'
  | 'message'
  | 'checker'
  | 'queue'
  | 'exchange'
  | 'broker'

const MESSAGES_MAX = 4

export class Messages {
  readonly #list: HTMLElement
  readonly #wholePage: WholePage

  /** @param list is `aria-live` */
  constructor(list: HTMLElement, wholePage: WholePage) {
    this.#list = list
    this.#wholePage = wholePage
  }

  /** Says something; saying it again while it is there counts up instead of filling the area. */
  say(about: Subject, tone: Tone, text: string): void {
    const before = this.#items().find((item) => item.dataset['text'] === text)
    if (before === undefined) this.#add(about, tone, text)
    else countUp(before)
    while (this.#list.children.length > MESSAGES_MAX) this.#list.firstElementChild?.remove()
    this.#countEarlier()
  }

  /** @param doing what was tried, as the beginning of a sentence: `Sending failed` */
  fail(about: Subject, doing: string, error: unknown): void {
    if (this.#wholePage.maybeGiveUp(error)) return
    this.say(about, 'problem', `${doing}. ${describeError(error)}`)
  }

  /** What was said about this is no longer true, or is tried again. */
  forget(about: Subject): void {
    for (const item of this.#items()) if (item.dataset['about'] === about) item.remove()
    this.#countEarlier()
  }

  #add(about: Subject, tone: Tone, text: string): void {
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
    item.dataset['about'] = about
    close.addEventListener('click', () => this.#close(item))
    this.#list.append(item)
  }

  /** The focus goes to the message that takes its place, or to the area. */
  #close(item: HTMLElement): void {
    const next = item.nextElementSibling ?? item.previousElementSibling
    item.remove()
    this.#countEarlier()
    const button = next?.querySelector('button')
    if (button instanceof HTMLElement) button.focus()
    else this.#list.focus()
  }

  /** On a small screen only the newest message shows, and how many there are besides. */
  #countEarlier(): void {
    const earlier = this.#list.children.length - 1
    if (earlier > 0) this.#list.dataset['earlier'] = String(earlier)
    else delete this.#list.dataset['earlier']
  }

  #items(): HTMLElement[] {
    return [...this.#list.children].filter((item) => item instanceof HTMLElement)
  }
}

function countUp(item: HTMLElement): void {
  const times = Number(item.dataset['times'] ?? '1') + 1
  item.dataset['times'] = String(times)
  const count = item.querySelector('.message-times')
  if (count !== null) count.textContent = `${times} times`
}
