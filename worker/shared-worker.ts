/** The default worker: a broker with the default limits, named by the SharedWorker's name. */
import { startBroker } from './index.js'

startBroker()
