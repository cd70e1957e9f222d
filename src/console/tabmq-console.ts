/**
 * `<tabmq-console>`: a custom element that shows a broker and lets one work on it. All of it lives in its
 * shadow root; the page around it is neither read nor changed.
 */
import { h, render } from 'preact'
import { Tabmq, type WorkerSource } from '../index.js'
import { ConsoleRoot, type ConsoleAppProps } from './console-app.js'
import { errorText } from './format/error-text.js'
import {
  formatRoute,
  parseRoute,
  type Arrival,
  type Route,
  type ViewName,
  type Visit,
} from './route.js'
import { ConsoleSession } from './session/console-session.js'
import { consoleSheets } from './styles/sheets.js'

/** Where no page is, as on a server, the class can be imported and not used. */
const Base =
  typeof HTMLElement === 'undefined' ? (Object as unknown as typeof HTMLElement) : HTMLElement

/** The views of a console. */
export type ConsoleView = ViewName

/** What a console shows: the detail of `viewchange`. */
export type ConsoleRoute = Route

/** Properties that may have been set before the element was defined. */
const OWN = ['broker', 'readonly', 'theme', 'connection', 'worker', 'view'] as const

/**
 * The element `<tabmq-console>`. Attributes: `broker`, the name of the broker (`default`); `readonly`, to
 * look and change nothing; `theme`, `light` or `dark` (that of the system); `view`, what is shown: a view,
 * one thing of it, of messages which (`topics`, `topics/orders`, `messages/orders/3/117`,
 * `messages/orders?from=oldest&key=user-7`). It connects when it is put into a page, and lets go when it is
 * taken out.
 *
 * @fires viewchange when something else is shown, by whomever; its `detail` is a {@link ConsoleRoute}
 *
 * @example
 * import 'tabmq/console'
 * document.body.innerHTML = '<tabmq-console broker="shop" readonly></tabmq-console>'
 */
export class TabmqConsole extends Base {
  /** What it heeds of its attributes. */
  static readonly observedAttributes = ['broker', 'readonly', 'view']

  #root: ShadowRoot | undefined
  #session: ConsoleSession | undefined
  #failure: unknown
  #connection: Tabmq | undefined
  #worker: WorkerSource | undefined
  #route: Route = { view: 'topics' }
  #visit: Visit = { number: 0, isReturn: true }
  /** Undefined while there is nothing of it in the page. */
  #show: ((props: ConsoleAppProps) => void) | undefined
  #isEndPlanned = false

  /** The broker's name; the attribute `broker`. Not heeded with a `connection`. */
  get broker(): string {
    return this.getAttribute('broker') ?? 'default'
  }

  /** Another name leads to another broker. */
  set broker(name: string) {
    this.setAttribute('broker', name)
  }

  /** Whether nothing can be changed; the attribute `readonly`. */
  get readonly(): boolean {
    return this.hasAttribute('readonly')
  }

  /** Takes effect at once. */
  set readonly(isReadonly: boolean) {
    this.toggleAttribute('readonly', isReadonly)
  }

  /** `light`, `dark`, or null for that of the system; the attribute `theme`. */
  get theme(): string | null {
    return this.getAttribute('theme')
  }

  /** Takes effect at once. */
  set theme(theme: string | null) {
    if (theme === null) this.removeAttribute('theme')
    else this.setAttribute('theme', theme)
  }

  /**
   * What is shown, as the attribute `view`: `topics`, `topics/orders`, `messages/orders/3/117`,
   * `messages/orders?from=oldest&key=user-7`. Each part is as `encodeURIComponent` writes it, so that all of
   * it can be the end of an address.
   */
  get view(): string {
    return formatRoute(this.#route)
  }

  /** As if the reader had chosen it; what leads nowhere is not heeded. */
  set view(view: string) {
    const route = parseRoute(view)
    if (route !== undefined) this.#go(route, 'return')
  }

  /** The app's own client, to use instead of a connection of the console's. It is never closed. */
  get connection(): Tabmq | undefined {
    return this.#connection
  }

  /** Takes effect at once. */
  set connection(connection: Tabmq | undefined) {
    if (connection === this.#connection) return
    this.#connection = connection
    this.#restart()
  }

  /** The worker to use for a connection of the console's own, as `worker` of `new Tabmq()`. */
  get worker(): WorkerSource | undefined {
    return this.#worker
  }

  /** Takes effect at once. */
  set worker(worker: WorkerSource | undefined) {
    this.#worker = worker
    this.#restart()
  }

  /** Called by the browser. */
  connectedCallback(): void {
    this.#isEndPlanned = false
    // Properties that were set before the element was defined are its own, and hide these here.
    for (const name of OWN) this.#takeOver(name)
    if (this.#root === undefined) {
      this.#root = this.attachShadow({ mode: 'open' })
      this.#root.adoptedStyleSheets = consoleSheets()
    }
    if (this.#session === undefined) this.#start()
  }

  /** Called by the browser. An element that is only moved keeps its connection. */
  disconnectedCallback(): void {
    this.#isEndPlanned = true
    queueMicrotask(() => {
      if (!this.#isEndPlanned) return
      this.#end()
      this.#show = undefined
      if (this.#root !== undefined) render(null, this.#root)
    })
  }

  /** Called by the browser. */
  attributeChangedCallback(name: string, before: string | null, value: string | null): void {
    if (before === value) return
    if (name === 'view') {
      const route = parseRoute(value ?? '')
      if (route !== undefined) this.#go(route, 'return')
    } else if (name === 'broker' && this.#connection === undefined) this.#restart()
    else this.#render()
  }

  #takeOver(name: (typeof OWN)[number]): void {
    const own = Object.getOwnPropertyDescriptor(this, name)
    if (own === undefined) return
    Reflect.deleteProperty(this, name)
    Reflect.set(this, name, own.value)
  }

  #start(): void {
    this.#failure = undefined
    try {
      const mq = this.#connection
      this.#session = new ConsoleSession(
        mq === undefined ? { mq: this.#connect(), ownsClient: true } : { mq, ownsClient: false },
      )
    } catch (error) {
      this.#failure = error
    }
    this.#render()
  }

  #connect(): Tabmq {
    const worker = this.#worker
    const clientId = `tabmq-console ${location.pathname}`.slice(0, 255)
    return new Tabmq({ name: this.broker, clientId, ...(worker === undefined ? {} : { worker }) })
  }

  #restart(): void {
    if (this.#root === undefined || !this.isConnected) return
    this.#end()
    this.#start()
  }

  #end(): void {
    const session = this.#session
    this.#session = undefined
    session?.close().catch((error: unknown) => reportError(error))
  }

  #go(route: Route, arrival: Arrival): void {
    const path = formatRoute(route)
    if (path === formatRoute(this.#route)) return
    if (arrival !== 'shown') {
      const isReturn = arrival === 'return' && route.view !== this.#route.view
      this.#visit = { number: this.#visit.number + 1, isReturn }
    }
    this.#route = route
    if (this.getAttribute('view') !== path) this.setAttribute('view', path)
    this.#render()
    this.dispatchEvent(new CustomEvent<ConsoleRoute>('viewchange', { detail: route }))
  }

  #render(): void {
    if (this.#root === undefined) return
    const session = this.#session
    if (session === undefined) {
      this.#show = undefined
      const text = this.#failure === undefined ? '' : errorText(this.#failure)
      render(h('div', { class: 'banner bad', role: 'alert' }, text), this.#root)
      return
    }
    const connection = this.#connection
    // A client of an older copy of the library does not tell its name.
    const named =
      connection === undefined ? this.broker : ((connection.name as string | undefined) ?? '')
    const visit = this.#visit
    const props = {
      session,
      name: this.getAttribute('broker') ?? named,
      isReadonly: this.readonly,
      route: this.#route,
      visit,
      go: (route: Route, arrival: Arrival = 'link') => this.#go(route, arrival),
      isHere: () => this.#visit === visit && this.#session === session,
    }
    if (this.#show !== undefined) return this.#show(props)
    const onMount = (show: (props: ConsoleAppProps) => void) => (this.#show = show)
    render(h(ConsoleRoot, { first: props, onMount }), this.#root)
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'tabmq-console': TabmqConsole
  }
}
