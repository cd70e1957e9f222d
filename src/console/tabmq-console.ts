/**
 * `<tabmq-console>`: a custom element that shows a broker and lets one work on it. All of it lives in its
 * shadow root; the page around it is neither read nor changed.
 */
import { h, render } from 'preact'
import { Tabmq, type WorkerSource } from '../index.js'
import { ConsoleApp } from './console-app.js'
import { errorText } from './format/error-text.js'
import { isViewName, type Route, type ViewName } from './route.js'
import { ConsoleSession } from './session/console-session.js'
import { consoleSheets } from './styles/sheets.js'

/** Where no page is, as on a server, the class can be imported and not used. */
const Base =
  typeof HTMLElement === 'undefined' ? (Object as unknown as typeof HTMLElement) : HTMLElement

/** The views of a console, by the names that `view` has. */
export type ConsoleView = ViewName

/**
 * The element `<tabmq-console>`. Attributes: `broker`, the name of the broker (`default`); `readonly`, to
 * look and change nothing; `theme`, `light` or `dark` (that of the system); `view`, which view is shown.
 * It connects when it is put into a page, and lets go when it is taken out.
 *
 * @fires viewchange when another view is shown, by whomever
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

  /** Which view is shown; the attribute `view`. */
  get view(): ConsoleView {
    return this.#route.view
  }

  /** As if the reader had chosen it; names that there are not are not heeded. */
  set view(view: ConsoleView) {
    if (isViewName(view)) this.#go({ view })
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
    for (const name of ['connection', 'worker', 'view'] as const) this.#takeOver(name)
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
      if (this.#root !== undefined) render(null, this.#root)
    })
  }

  /** Called by the browser. */
  attributeChangedCallback(name: string, before: string | null, value: string | null): void {
    if (before === value) return
    if (name === 'view') {
      if (isViewName(value) && value !== this.#route.view) this.#go({ view: value })
    } else if (name === 'broker' && this.#connection === undefined) this.#restart()
    else this.#render()
  }

  #takeOver(name: 'connection' | 'worker' | 'view'): void {
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

  #go(route: Route): void {
    this.#route = route
    if (this.getAttribute('view') !== route.view) this.setAttribute('view', route.view)
    this.#render()
    this.dispatchEvent(new CustomEvent('viewchange', { detail: { view: route.view } }))
  }

  #render(): void {
    if (this.#root === undefined) return
    const session = this.#session
    if (session === undefined) {
      const text = this.#failure === undefined ? '' : errorText(this.#failure)
      render(h('div', { class: 'banner bad', role: 'alert' }, text), this.#root)
      return
    }
    const isOwn = this.#connection === undefined
    const props = {
      session,
      name: isOwn ? this.broker : (this.getAttribute('broker') ?? ''),
      isReadonly: this.readonly,
      route: this.#route,
      go: (route: Route) => this.#go(route),
    }
    render(h(ConsoleApp, props), this.#root)
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'tabmq-console': TabmqConsole
  }
}
