/** The messages below the checker. On a small screen only the newest shows, and how many there are. */
import { useRef } from 'preact/hooks'
import type { Messages, ShownMessage } from '../app/messages.js'
import { useCell } from '../app/use-cell.js'

export function MessageList({ messages }: { messages: Messages }) {
  const shown = useCell(messages.shown)
  const list = useRef<HTMLUListElement>(null)
  const earlier = shown.length - 1

  /** The focus goes to the message that takes its place, or to the area. */
  const close = (message: ShownMessage) => {
    const index = shown.indexOf(message)
    messages.close(message.id)
    requestAnimationFrame(() => {
      const buttons = list.current?.querySelectorAll('button') ?? []
      const next = buttons[Math.min(index, buttons.length - 1)]
      if (next === undefined) list.current?.focus()
      else next.focus()
    })
  }

  return (
    <ul
      ref={list}
      id="messages"
      class="messages"
      tabIndex={-1}
      aria-live="polite"
      aria-label="Messages"
      data-earlier={earlier > 0 ? earlier : undefined}
    >
      {shown.map((message) => (
        <li key={message.id} class={`message message-${message.tone}`}>
          <p>{message.text}</p>
          {message.times > 1 && <span class="message-times">{message.times} times</span>}
          <button
            type="button"
            class="message-close"
            aria-label="Close this message"
            onClick={() => close(message)}
          >
            ×
          </button>
        </li>
      ))}
    </ul>
  )
}
