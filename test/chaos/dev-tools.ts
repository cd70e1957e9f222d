/**
 * The DevTools protocol over the two pipes that Chromium reads and writes with
 * `--remote-debugging-pipe`: commands by number, sessions by id, each message ended by a zero byte.
 * Nothing is attached to a page or a worker unless somebody asks: what is attached runs differently,
 * and a driver that waits for every page is stuck with the first that does not answer.
 */
import type { Readable, Writable } from 'node:stream'
import type { CDPSession } from '@playwright/test'

/** A tab that is dead or asleep does not answer. Whoever cannot wait so long gives up before. */
const ANSWER_MS_MAX = 90_000

type Method = Parameters<CDPSession['send']>[0]

interface Message {
  readonly id?: number
  readonly sessionId?: string
  readonly method?: string
  readonly params?: unknown
  readonly result?: unknown
  readonly error?: { readonly message: string }
}

interface Waiting {
  readonly method: string
  readonly sessionId: string | undefined
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
}

export type DevToolsListener = (method: string, params: unknown) => void

export class DevTools {
  readonly #write: Writable
  readonly #onEvent: DevToolsListener
  readonly #waiting = new Map<number, Waiting>()
  #commands = 0
  #received = ''
  #isClosed = false

  constructor(pipes: { readonly write: Writable; readonly read: Readable }, on: DevToolsListener) {
    this.#write = pipes.write
    this.#onEvent = on
    pipes.read.setEncoding('utf8')
    pipes.read.on('data', (chunk: string) => this.#receive(chunk))
    pipes.read.on('close', () => this.close())
    // Whoever writes to a browser that was killed hears so by its answer that never comes.
    pipes.write.on('error', () => this.close())
    pipes.read.on('error', () => this.close())
  }

  /** A command to the browser, with the types that Playwright has for all of them. */
  readonly send: CDPSession['send'] = (method, params) => this.#send(method, params) as never

  /** The same to one page. */
  session(sessionId: string): Pick<CDPSession, 'send'> {
    return { send: (method, params) => this.#send(method, params, sessionId) as never }
  }

  /** This page answers no more. */
  sessionEnded(sessionId: string): void {
    this.#rejectAll((one) => one.sessionId === sessionId, 'the page is gone')
  }

  close(): void {
    this.#isClosed = true
    this.#rejectAll(() => true, 'the browser is gone')
  }

  #send(method: Method, params: unknown, sessionId?: string): Promise<unknown> {
    if (this.#isClosed) return Promise.reject(new Error(`${method}: the browser is gone`))
    const id = ++this.#commands
    return new Promise((resolve, reject) => {
      const late = () => this.#answered(id)?.reject(new Error(`${method} was not answered`))
      const timer = setTimeout(late, ANSWER_MS_MAX)
      this.#waiting.set(id, {
        method,
        sessionId,
        resolve: (result) => {
          clearTimeout(timer)
          resolve(result)
        },
        reject: (error) => {
          clearTimeout(timer)
          reject(error)
        },
      })
      this.#write.write(`${JSON.stringify({ id, method, params, sessionId })}\0`)
    })
  }

  #receive(chunk: string): void {
    const parts = (this.#received + chunk).split('\0')
    this.#received = parts.pop() ?? ''
    for (const part of parts) this.#take(JSON.parse(part) as Message)
  }

  #take({ id, method, params, result, error }: Message): void {
    if (id === undefined) {
      if (method !== undefined) this.#onEvent(method, params)
      return
    }
    const waiting = this.#answered(id)
    if (error === undefined) waiting?.resolve(result)
    else waiting?.reject(new Error(`${waiting.method}: ${error.message}`))
  }

  #answered(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    return waiting
  }

  #rejectAll(isMeant: (waiting: Waiting) => boolean, why: string): void {
    for (const [id, waiting] of this.#waiting) {
      if (!isMeant(waiting)) continue
      this.#waiting.delete(id)
      waiting.reject(new Error(`${waiting.method}: ${why}`))
    }
  }
}
