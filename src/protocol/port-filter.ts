/**
 * What may pass between a port and Comlink. Comlink's wire lets a peer get, set, call or construct
 * whatever a path leads to from the object that is exposed, `constructor` and `__proto__` included:
 * enough to run code of its own in the broker, or to change what it is to all tabs. So in front of
 * each exposed object stands this filter. It lets through calls of the methods that are named, with
 * plain arguments, and makes each anew, so that nothing else of a message reaches Comlink. What has
 * an id is answered, with a typed error; what has none is no call, and nobody waits for it.
 *
 * It knows what Comlink's messages look like (`MessageType` and `WireValue` of comlink 4), and is
 * the one place that does.
 */
import { TabmqError, toWireError } from './errors.js'
import { Fields } from './fields.js'
import { PORT_CALL_ID_LENGTH_MAX } from './limits.js'
import { describe } from './names.js'
import type { WireReply } from './requests/request.js'

/** As much of a MessagePort as the filters need. */
export interface FilteredPort {
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void
  postMessage(message: unknown, transfer: ArrayBuffer[]): void
  start(): void
}

/** As much of a port as Comlink needs. It listens once, and never stops: releases do not pass. */
export interface ComlinkEndpoint {
  addEventListener(type: string, listener: unknown): void
  removeEventListener(): void
  postMessage(message: unknown, transfer?: ArrayBuffer[]): void
  start(): void
}

/** The methods that may be called, each with the most arguments that it takes. */
export type CallableMethods = Readonly<Record<string, number>>

/** A port on which nothing can be done but to call these methods. For `Comlink.expose`. */
export function callsOnly(port: FilteredPort, methods: CallableMethods): ComlinkEndpoint {
  return filtered(port, (data) => {
    const id = idOf(data)
    if (id === undefined) return undefined
    try {
      return parseCall(id, data, methods)
    } catch (error) {
      port.postMessage({ id, ...rawValue(refusal(error)) }, [])
      return undefined
    }
  })
}

/** A port that only tells which calls were taken, with a yes or no. For `Comlink.wrap`. */
export function acknowledgementsOnly(port: FilteredPort): ComlinkEndpoint {
  return filtered(port, (data) => {
    const id = idOf(data)
    return id === undefined ? undefined : { id, ...rawValue(isYes(data)) }
  })
}

function isYes(data: unknown): boolean {
  return Object.hasOwn(data as object, 'value') && (data as { value: unknown }).value === true
}

function filtered(
  port: FilteredPort,
  parse: (data: unknown) => object | undefined,
): ComlinkEndpoint {
  return {
    addEventListener(_type, listener) {
      port.addEventListener('message', ({ data }) => {
        const message = parse(data)
        // Comlink listens with a function, and looks at the data alone.
        if (message !== undefined) (listener as (event: object) => void)({ data: message })
      })
    },
    removeEventListener() {},
    postMessage: (message, transfer = []) => port.postMessage(message, transfer),
    start: () => port.start(),
  }
}

/** What the peer waits for the answer under, if it is a message of Comlink's at all. */
function idOf(data: unknown): string | undefined {
  if (typeof data !== 'object' || data === null || !Object.hasOwn(data, 'id')) return undefined
  const { id } = data as { id: unknown }
  const isId = typeof id === 'string' && id.length > 0 && id.length <= PORT_CALL_ID_LENGTH_MAX
  return isId ? id : undefined
}

/** @throws TabmqError INVALID_REQUEST */
function parseCall(id: string, data: unknown, methods: CallableMethods): object {
  const call = new Fields('call', data)
  const type = call.oneOf('type', ['APPLY'])
  const path = call.list('path', 1, (name) => name)
  const [method] = path
  if (typeof method !== 'string' || !Object.hasOwn(methods, method)) {
    throw new TabmqError('INVALID_REQUEST', `there is no method ${describe(method)} to call`, {
      field: 'call.path',
    })
  }
  const argumentList = call.list('argumentList', methods[method] ?? 0, (item, what) => {
    const argument = new Fields(what, item)
    argument.oneOf('type', ['RAW'])
    return rawValue(argument.raw('value'))
  })
  return { id, type, path, argumentList }
}

function rawValue(value: unknown): object {
  return { type: 'RAW', value }
}

function refusal(error: unknown): WireReply {
  return { incarnation: 'none', ok: false, error: toWireError(error) }
}
