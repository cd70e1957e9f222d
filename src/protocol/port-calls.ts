/**
 * Calls over a port, at the end that is called. Whatever a peer may send: no more can be done than to call
 * the methods that are named, with plain arguments. What is something else and has an id is answered with
 * a typed error; what has no id is no call, and nobody waits for it.
 *
 * On the wire it is what Comlink 4 has of calls, since tabs and workers of deployments that used that
 * may meet this one: `{ id, type: 'APPLY', path: [method], argumentList: [{ type: 'RAW', value }, …] }`, answered by
 * `{ id, type: 'RAW', value }`. src/std/port-caller.ts is the end that calls.
 */
import type { CallPort } from '../std/port-caller.js'
import { TabmqError, toWireError } from './errors.js'
import { Fields } from './fields.js'
import { PORT_CALL_ID_LENGTH_MAX } from './limits.js'
import { describe } from './names.js'
import type { WireReply } from './requests.js'

/** The methods that may be called, each with the most arguments that it takes. */
export type CallableMethods = Readonly<Record<string, number>>

export interface PortCall<Method> {
  readonly method: Method
  readonly args: readonly unknown[]
  /** Answers it, once; what is in `transfer` goes over whole. */
  readonly answer: (value: unknown, transfer?: ArrayBuffer[]) => void
}

/** Serves a port on which nothing can be done but to call these methods. */
export function serveCalls<Methods extends CallableMethods>(
  port: CallPort,
  methods: Methods,
  serve: (call: PortCall<keyof Methods>) => void,
): void {
  port.addEventListener('message', ({ data }) => {
    const id = idOf(data)
    if (id === undefined) return
    const answer = (value: unknown, transfer: ArrayBuffer[] = []) => {
      port.postMessage({ id, type: 'RAW', value }, transfer)
    }
    let call: Omit<PortCall<keyof Methods>, 'answer'>
    try {
      call = parseCall(data, methods)
    } catch (error) {
      const reply: WireReply = { incarnation: 'none', ok: false, error: toWireError(error) }
      answer(reply)
      return
    }
    serve({ ...call, answer })
  })
  port.start()
}

/** What the peer waits for the answer under, if it is a call at all. */
function idOf(data: unknown): string | undefined {
  if (typeof data !== 'object' || data === null || !Object.hasOwn(data, 'id')) return undefined
  const { id } = data as { id: unknown }
  const isId = typeof id === 'string' && id.length > 0 && id.length <= PORT_CALL_ID_LENGTH_MAX
  return isId ? id : undefined
}

/** @throws TabmqError INVALID_REQUEST */
function parseCall<Methods extends CallableMethods>(data: unknown, methods: Methods) {
  const call = new Fields('call', data)
  call.oneOf('type', ['APPLY'])
  const [method] = call.list('path', 1, (name) => name)
  if (typeof method !== 'string' || !Object.hasOwn(methods, method)) {
    throw new TabmqError('INVALID_REQUEST', `there is no method ${describe(method)} to call`, {
      field: 'call.path',
    })
  }
  const args = call.list('argumentList', methods[method] ?? 0, (item, what) => {
    const argument = new Fields(what, item)
    argument.oneOf('type', ['RAW'])
    return argument.raw('value')
  })
  return { method: method as keyof Methods, args }
}
