/** The id of the topic as it is now, for whoever has to wait until it is known. */
export class TopicNews {
  #topicId: string | undefined
  #waiting: ((topicId: string) => void)[] = []

  /** @param topicId undefined while there is no topic */
  update(topicId: string | undefined): void {
    this.#topicId = topicId
    if (topicId === undefined) return
    for (const tell of this.#waiting) tell(topicId)
    this.#waiting = []
  }

  topicId(): Promise<string> {
    if (this.#topicId !== undefined) return Promise.resolve(this.#topicId)
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
    })
  }
}
