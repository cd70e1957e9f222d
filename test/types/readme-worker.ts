/** The worker of one's own in README.md. The test project knows the DOM but not the worker's scope. */
import { startBroker } from '../../worker/index.js'

declare global {
  interface SharedWorkerGlobalScope {
    readonly location: { readonly href: string }
    readonly name: string
    close(): void
    addEventListener(type: 'connect', listener: (event: MessageEvent) => void): void
  }
}

export function myBroker(): void {
  startBroker({ limits: { tailBytes: 4 * 1024 * 1024 } })
}
