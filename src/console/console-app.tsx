/** The console as a tree: how it stands with the broker, the way through the views, and one view. */
import { Component, type ComponentChildren } from 'preact'
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { ClusterState } from '../index.js'
import { errorText } from './format/error-text.js'
import { formatCount } from './format/format.js'
import { ExchangesView } from './exchanges/exchanges-view.js'
import { GroupsView } from './groups/groups-view.js'
import { HealthView } from './health/health-view.js'
import { placeToReturnTo } from './messages/messages-memory.js'
import { MessagesView } from './messages/messages-view.js'
import { ConsoleContext, type ConsoleParts } from './parts/console-context.js'
import { useKeptFocus } from './parts/kept-focus.js'
import { VIEWS, type Arrival, type Route, type ViewName, type Visit } from './route.js'
import type { ConsoleSession, SessionState } from './session/console-session.js'
import { ShareGroupsView } from './share-groups/share-groups-view.js'
import { StoresView } from './stores/stores-view.js'
import { TopicsView } from './topics/topics-view.js'

const NOTICE_MS = 5_000

export interface ConsoleAppProps {
  readonly session: ConsoleSession
  /** As the element was given it. */
  readonly name: string
  readonly isReadonly: boolean
  readonly route: Route
  readonly visit: Visit
  readonly go: (route: Route, arrival?: Arrival) => void
  readonly isHere: () => boolean
}

const TITLES: Readonly<Record<ViewName, string>> = {
  topics: 'Topics',
  messages: 'Messages',
  groups: 'Groups',
  'share-groups': 'Share groups',
  exchanges: 'Exchanges',
  stores: 'Stores',
  health: 'Health',
}

export interface ConsoleRootProps {
  readonly first: ConsoleAppProps
  /** Is given what shows the next. */
  readonly onMount: (show: (props: ConsoleAppProps) => void) => void
}

/**
 * A root that is rendered again and again has Preact begin with its ids anew, while what is there keeps those
 * that it has: this one is rendered once.
 */
export function ConsoleRoot({ first, onMount }: ConsoleRootProps) {
  const [props, show] = useState(first)
  useLayoutEffect(() => {
    onMount(show)
  }, [])
  return <ConsoleApp {...props} />
}

function ConsoleApp({ session, name, isReadonly, route, visit, go, isHere }: ConsoleAppProps) {
  const state = useSessionState(session)
  const { notices, notify } = useNotices()
  const main = useRef<HTMLElement>(null)
  useKeptFocus(main)
  // Another view begins at its top.
  useLayoutEffect(() => main.current?.scrollTo(0, 0), [visit])
  const parts: ConsoleParts = {
    session,
    state,
    route,
    visit,
    go,
    isHere,
    notify,
    writer: isReadonly ? undefined : session.mq,
  }
  return (
    <ConsoleContext.Provider value={parts}>
      <div class="console">
        <header class="top">
          <strong class="break">{name}</strong>
          <LinkStatus state={state} />
          {isReadonly && <span class="tag">read-only</span>}
        </header>
        <div class="banners">
          <Banners session={session} state={state} />
        </div>
        <Navigation
          cluster={state.cluster}
          route={route}
          onChoose={(view) => go(placeOf(view, { session, route }), 'return')}
        />
        <main aria-label={TITLES[route.view]} tabIndex={-1} ref={main}>
          {state.cluster === undefined ? (
            <Waiting isInVain={['failed', 'closed'].includes(state.link.status)} />
          ) : (
            <Fence key={visit.number}>
              <View view={route.view} />
            </Fence>
          )}
        </main>
        <div class="notices" role="status" aria-live="polite">
          {notices.map(({ id, text }) => (
            <div key={id} class="notice">
              {text}
            </div>
          ))}
        </div>
      </div>
    </ConsoleContext.Provider>
  )
}

const SLOW_MS = 3_000

/** Before the first state. A broker that is there answers within a moment. */
function Waiting({ isInVain }: { readonly isInVain: boolean }) {
  const [isSlow, setSlow] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), SLOW_MS)
    return () => clearTimeout(timer)
  }, [])
  if (isInVain) return null
  return (
    <p class="muted" role="status">
      {isSlow
        ? 'The broker has not answered yet. It is asked again; its worker may be starting, or its script not be where it is looked for.'
        : 'Asking the broker …'}
    </p>
  )
}

function View({ view }: { readonly view: ViewName }) {
  switch (view) {
    case 'topics':
      return <TopicsView />
    case 'messages':
      return <MessagesView />
    case 'groups':
      return <GroupsView />
    case 'health':
      return <HealthView />
    case 'share-groups':
      return <ShareGroupsView />
    case 'exchanges':
      return <ExchangesView />
    case 'stores':
      return <StoresView />
  }
}

function useSessionState(session: ConsoleSession): SessionState {
  const [, setState] = useState(session.state)
  useEffect(() => {
    setState(session.state)
    return session.onChange(() => setState(session.state))
  }, [session])
  // Never that of another session, which a view would take for this one's.
  return session.state
}

interface Notice {
  readonly id: number
  readonly text: string
}

function useNotices() {
  const [notices, setNotices] = useState<readonly Notice[]>([])
  const lastId = useRef(0)
  const timers = useRef(new Set<ReturnType<typeof setTimeout>>())
  useEffect(() => () => timers.current.forEach((timer) => clearTimeout(timer)), [])
  const notify = useCallback((text: string) => {
    lastId.current += 1
    const id = lastId.current
    setNotices((before) => [...before.slice(-2), { id, text }])
    const timer = setTimeout(() => {
      timers.current.delete(timer)
      setNotices((before) => before.filter((one) => one.id !== id))
    }, NOTICE_MS)
    timers.current.add(timer)
  }, [])
  return { notices, notify }
}

function LinkStatus({ state }: { readonly state: SessionState }) {
  const { link, cluster } = state
  const words = {
    connecting: 'connecting',
    connected: 'live',
    lost: 'the broker is gone; waiting for the next',
    closed: 'closed by the page',
    failed: 'no connection',
  }
  const kinds = { connecting: '', connected: 'ok', lost: 'bad', closed: 'bad', failed: 'bad' }
  return (
    <span class="muted">
      <span class={`dot ${kinds[link.status]}`} aria-hidden="true" />
      {words[link.status]}
      {cluster !== undefined && `, broker epoch ${formatCount(cluster.brokerEpoch)}`}
    </span>
  )
}

interface BannersProps {
  readonly session: ConsoleSession
  readonly state: SessionState
}

function Banners({ session, state: { link, cluster, isDataLost } }: BannersProps) {
  const stale = cluster === undefined ? '' : ' What is shown is the last that was heard.'
  return (
    <>
      {link.status === 'closed' && (
        <div class="banner bad" role="alert">
          The page has closed its connection to the broker, which is the console’s too.{stale}
        </div>
      )}
      {link.status === 'failed' && (
        <div class="banner bad" role="alert">
          {errorText(link.error)}
          {stale}
          <button type="button" onClick={() => session.retryNow()}>
            Try again
          </button>
        </div>
      )}
      {isDataLost && (
        <div class="banner bad" role="alert">
          The stored data were deleted, and the broker has begun anew without any.
          <button type="button" onClick={() => session.forgetLoss()}>
            Understood
          </button>
        </div>
      )}
    </>
  )
}

/** Where the way through the views leads: to messages where the reader left them, else to all that there is. */
function placeOf(
  view: ViewName,
  { session, route }: Pick<ConsoleAppProps, 'session' | 'route'>,
): Route {
  if (view !== 'messages') return { view }
  return route.view === view ? route : placeToReturnTo(session)
}

interface NavigationProps {
  readonly cluster: ClusterState | undefined
  readonly route: Route
  readonly onChoose: (view: ViewName) => void
}

function Navigation({ cluster, route, onChoose }: NavigationProps) {
  const counts: Partial<Record<ViewName, number | undefined>> = {
    topics: cluster?.topics.length,
    groups: cluster?.groups.length,
    'share-groups': cluster?.shareGroups.length,
    exchanges: cluster?.exchanges.length,
  }
  return (
    <nav aria-label="Views of the broker">
      <ul>
        {VIEWS.map((view) => (
          <li key={view}>
            <button
              type="button"
              aria-current={view === route.view ? 'page' : undefined}
              onClick={() => onChoose(view)}
            >
              {TITLES[view]}
              <span class="count">
                {counts[view] === undefined ? '' : formatCount(counts[view])}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </nav>
  )
}

/** A view that fails leaves the others and the app around alone. */
class Fence extends Component<{ readonly children: ComponentChildren }, { error?: unknown }> {
  static override getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error }
  }

  override render() {
    if (this.state.error === undefined) return this.props.children
    return (
      <div class="banner bad" role="alert">
        This view has failed: {errorText(this.state.error)}
        <button type="button" onClick={() => this.setState({ error: undefined })}>
          Show it again
        </button>
      </div>
    )
  }
}
