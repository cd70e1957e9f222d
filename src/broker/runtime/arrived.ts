/**
 * A request as it came. It is let go of when it is parsed: a fetch may wait for long after that, and what
 * else was in the message is not kept with it.
 */
export class Arrived {
  #request: unknown

  constructor(request: unknown) {
    this.#request = request
  }

  peek(): unknown {
    return this.#request
  }

  take(): unknown {
    const request = this.#request
    this.#request = undefined
    return request
  }
}
