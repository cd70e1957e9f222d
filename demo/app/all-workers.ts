/** Starts or stops the workers of all tabs: a tab that is asked to tells the others. */
export type Wish = 'start' | 'stop'

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
