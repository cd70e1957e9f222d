/** The whole page: what stays in sight at the top, and the face that its address names. */
import { useLayoutEffect, useRef } from 'preact/hooks'
import type { Cell } from '../app/cell.js'
import type { Messages } from '../app/messages.js'
import { PartsContext, type Parts } from '../app/parts.js'
import { useCell } from '../app/use-cell.js'
import { Stage } from '../stage/stage.js'
import { Welcome } from '../stage/welcome.js'
import { CheckerBar } from './checker-bar.js'
import { DropOverlay } from './drop-overlay.js'
import { MessageList } from './message-list.js'
import { PageHeader } from './page-header.js'

export interface AppProps {
  readonly messages: Messages
  /** Nothing until this tab knows who it is. */
  readonly parts: Cell<Parts | undefined>
  /** Why there can be no broker. */
  readonly whyNot: Cell<string | undefined>
}

export function App({ messages, parts, whyNot }: AppProps) {
  const known = useCell(parts)
  const reason = useCell(whyNot)
  const hasBroker = reason === undefined
  return (
    <PartsContext.Provider value={known}>
      <PageHeader />
      {hasBroker && (
        <TopBar>
          <CheckerBar />
          <MessageList messages={messages} />
        </TopBar>
      )}
      {!hasBroker && (
        <p id="notice" class="notice" role="alert">
          {reason}
        </p>
      )}
      <main>
        <fieldset class="bare" disabled={!hasBroker || known === undefined}>
          <Welcome />
          {hasBroker && known !== undefined && <Stage />}
        </fieldset>
      </main>
      {hasBroker && known !== undefined && <DropOverlay />}
    </PartsContext.Provider>
  )
}

/**
 * Stays in sight. The stylesheet has to know its height, so that what gets the focus is scrolled to a
 * place below it.
 */
function TopBar({ children }: { children: preact.ComponentChildren }) {
  const bar = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => {
    const { current } = bar
    if (current === null) return
    const observer = new ResizeObserver(() => {
      const height = `${current.offsetHeight}px`
      document.documentElement.style.setProperty('--sticky-height', height)
    })
    observer.observe(current)
    return () => observer.disconnect()
  }, [])
  return (
    <div ref={bar} class="sticky">
      {children}
    </div>
  )
}
