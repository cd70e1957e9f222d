/** The whole page: what stays in sight at the top, and the face that its address names. */
import { useLayoutEffect, useRef } from 'preact/hooks'
import type { Cell } from '../app/cell.js'
import type { Messages } from '../app/messages.js'
import { PartsContext, type Parts } from '../app/parts.js'
import { useCell } from '../app/use-cell.js'
import type { Router } from '../app/route.js'
import type { Theme } from '../app/theme.js'
import { ConsoleFace } from '../console/console-face.js'
import { LearnList } from '../learn/learn-list.js'
import { SCENARIOS } from '../learn/scenarios.js'
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
  readonly router: Router
  readonly theme: Theme
}

export function App({ messages, parts, whyNot, router, theme }: AppProps) {
  const known = useCell(parts)
  const reason = useCell(whyNot)
  const hasBroker = reason === undefined
  return (
    <PartsContext.Provider value={known}>
      <PageHeader router={router} theme={theme} />
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
          {hasBroker && known !== undefined ? <Face router={router} /> : <Welcome />}
        </fieldset>
      </main>
      {hasBroker && known !== undefined && <DropOverlay />}
    </PartsContext.Provider>
  )
}

/** A scenario is played on the stage. */
function Face({ router }: { router: Router }) {
  const route = useCell(router.route)
  switch (route.face) {
    case 'stage':
      return (
        <>
          <Welcome />
          <Stage />
        </>
      )
    case 'console':
      return <ConsoleFace view={route.view} />
    case 'learn': {
      const scenario = SCENARIOS.find(({ id }) => id === route.scenario)
      if (scenario === undefined) return <LearnList />
      return <Stage lesson={{ scenario, number: route.step }} />
    }
  }
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
