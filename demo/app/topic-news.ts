const PATIENCE_MS = 10_000

interface Waiting {
  readonly tell: (topicId: string) => void
}

/** The id of the topic as it is now, for whoever has to wait until it is known. */
export class TopicNews {
  #topicId: string | undefined
  readonly #waiting = new Set<Waiting>()

  /** @param topicId undefined while there is no topic */
  update(topicId: string | undefined): void {
    this.#topicId = topicId
    if (topicId === undefined) return
    for (const { tell } of this.#waiting) tell(topicId)
    this.#waiting.clear()
  }

  /** @throws Error when there is no topic for long */
  topicId(): Promise<string> {
    if (this.#topicId !== undefined) return Promise.resolve(this.#topicId)
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        tell: (topicId) => {
          clearTimeout(timer)
          resolve(topicId)
        },
      }
      const timer = setTimeout(() => {
        this.#waiting.delete(waiting)
        reject(new Error('there is no topic: somebody has deleted it'))
      }, PATIENCE_MS)
      this.#waiting.add(waiting)
    })
  }
}
