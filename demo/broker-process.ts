/** Starts the worker of the demo's broker, and ends it. */

/** For `new Tabmq({ worker })`. */
export function startBrokerWorker(): SharedWorker {
  return new SharedWorker(new URL('./broker/broker-worker.ts', import.meta.url), {
    type: 'module',
    name: 'tabmq:demo',
  })
}

/** The broker that runs is no more; whichever tab notices first starts the next one. */
export function killBroker(): void {
  const channel = new BroadcastChannel('tabmq-demo-kill')
  channel.postMessage('kill')
  channel.close()
}
