/**
 * The demo's broker: the one that the package has, in a worker that its page may end. It ends as a
 * worker does when the browser takes its memory: at once, without a word to anybody.
 */
import { startBroker } from '../../worker/index.js'

declare const self: SharedWorkerGlobalScope

startBroker()

new BroadcastChannel('tabmq-demo-kill').onmessage = () => self.close()
