/**
 * A part of the client that many pages never use: a module of its own, which is loaded when the part is
 * first used. Bundlers make a file of it, and a page without one asks for the file as it is. Who cannot wait
 * for that, or must do without a network later, imports `tabmq/whole` (every-part.ts).
 */
import { TabmqError } from '../protocol/errors.js'
import { definedOrThrow } from '../std/assert.js'

export class Part<T extends object> {
  readonly #name: string
  readonly #import: () => Promise<T>
  #loaded: T | undefined

  constructor(name: string, load: () => Promise<T>) {
    this.#name = name
    this.#import = load
  }

  /** The module, when it is here: so that who has it need not wait even for a promise. */
  get loaded(): T | undefined {
    return this.#loaded
  }

  /** The module, for whoever was to be told only once it is here. */
  get here(): T {
    return definedOrThrow(this.#loaded, () => `${this.#name}: not loaded`)
  }

  provide(module: T): void {
    this.#loaded = module
  }

  /** @throws TabmqError CODE_NOT_LOADED when it is not to be had, now at least */
  async load(): Promise<T> {
    try {
      this.#loaded ??= await this.#import()
      return this.#loaded
    } catch (error) {
      const what = `the code of the client for ${this.#name} could not be loaded`
      throw new TabmqError('CODE_NOT_LOADED', what, { part: this.#name }, error)
    }
  }
}
