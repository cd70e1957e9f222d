/**
 * The console: importing this defines the element `<tabmq-console>`, where there is a page and nobody has
 * defined it yet. A bundle of its own, which pages that do not import it never load.
 */
import { TabmqConsole } from './tabmq-console.js'

export { TabmqConsole, type ConsoleRoute, type ConsoleView } from './tabmq-console.js'

if (typeof customElements !== 'undefined' && customElements.get('tabmq-console') === undefined) {
  customElements.define('tabmq-console', TabmqConsole)
}
