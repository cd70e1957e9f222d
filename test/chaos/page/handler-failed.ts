/** Thrown by handlers of the workload: an app's failure, and nobody's anomaly. */
export class HandlerFailed extends Error {
  override readonly name = 'HandlerFailed'
}

/** How it is recorded, where library errors have their code. */
export const HANDLER_FAILED = 'HANDLER_FAILED'
