/** A group of its own that reads the demo's topic beside the first: it has its own progress. */
import type { Consumer, Tabmq } from '../../src/index.js'
import { Cell } from '../app/cell.js'
import { SECOND_GROUP, TOPIC } from '../names.js'
import type { WorkTimer } from './work-timer.js'

/** Of each message of a partition: so slow that one sees the two apart for some seconds. */
const WORK_MS = 12

export class SecondGroup {
  readonly isOn = new Cell(false)
  readonly #mq: Tabmq
  readonly #timer: Pick<WorkTimer, 'wait'>
  #consumer: Consumer | undefined

  constructor({ mq, timer }: { mq: Tabmq; timer: Pick<WorkTimer, 'wait'> }) {
    this.#mq = mq
    this.#timer = timer
  }

  /** @throws TabmqError what `consumer.run` throws */
  async start(): Promise<void> {
    if (this.#consumer !== undefined) return
    const consumer = this.#mq.consumer({ groupId: SECOND_GROUP })
    this.#consumer = consumer
    this.isOn.set(true)
    try {
      await consumer.subscribe({ topics: [TOPIC], fromBeginning: true })
      await consumer.run({
        autoCommitInterval: 100,
        partitionsConsumedConcurrently: 6,
        eachMessage: () => this.#timer.wait(WORK_MS),
      })
    } catch (error) {
      // Who is stopped meanwhile cannot begin, which is no failure; another may have begun since.
      if (this.#consumer !== consumer) return
      await this.stop()
      throw error
    }
  }

  async stop(): Promise<void> {
    const consumer = this.#consumer
    this.#consumer = undefined
    this.isOn.set(false)
    await consumer?.disconnect()
  }
}
