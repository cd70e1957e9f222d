/**
 * Starts or stops the workers of all tabs, or what they send at a rate: a tab that is asked to tells the
 * others. Those that are halted go on when they are told to, and only they.
 */
export type Wish = 'start' | 'stop' | 'halt' | 'go on' | 'stop sending'

export class AllWorkers {
  readonly #channel = new BroadcastChannel('tabmq-demo-workers')
  readonly #onWish: (wish: Wish) => void

  constructor(onWish: (wish: Wish) => void) {
    this.#onWish = onWish
    this.#channel.onmessage = ({ data }: MessageEvent<Wish>) => onWish(data)
  }

  ask(wish: Wish): void {
    this.#channel.postMessage(wish)
    this.#onWish(wish)
  }
}
