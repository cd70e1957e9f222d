/**
 * What the server gives out: pages that name a worker's script by its address, and the scripts. A
 * bundler puts a hash into the address, so each deployment has one of its own, or it stays the same
 * and has another script behind it. A page keeps what it was loaded with until it is loaded again.
 */

export interface Deployment {
  readonly url: string
  readonly protocolVersion: number
}

export class Deployments {
  #current: Deployment = { url: '/worker-1.js', protocolVersion: 1 }
  #count = 1
  /** What a worker runs that is started now. */
  readonly #scripts = new Map<string, Deployment>([['/worker-1.js', this.#current]])

  /** What a page gets that is loaded now. */
  get current(): Deployment {
    return this.#current
  }

  scriptAt(url: string): Deployment {
    return this.#scripts.get(url) ?? this.#current
  }

  deploy({ isNewer, isElsewhere }: { isNewer: boolean; isElsewhere: boolean }): Deployment {
    this.#count += 1
    const { url, protocolVersion } = this.#current
    this.#current = {
      url: isElsewhere ? `/worker-${this.#count}.js` : url,
      protocolVersion: isNewer ? protocolVersion + 1 : protocolVersion,
    }
    this.#scripts.set(this.#current.url, this.#current)
    return this.#current
  }
}
