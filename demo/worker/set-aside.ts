/**
 * What becomes of a message that cannot be handled. By default it is tried again and again, and its
 * partition waits, as a log's does; once the reader says so, it is put aside into a topic of dead letters,
 * by whichever tab has it then.
 */
import type { Admin, Producer, ReceivedMessage } from '../../src/index.js'
import { oneOf, SharedSetting } from '../app/shared-setting.js'
import { DEAD_ROWS, TOPIC } from '../names.js'

export interface SetAsideOptions {
  readonly admin: Admin
  readonly producer: Producer
}

export class SetAside {
  readonly policy = new SharedSetting('poison', oneOf(['retry', 'set aside']))
  readonly #options: SetAsideOptions

  constructor(options: SetAsideOptions) {
    this.#options = options
  }

  /** @returns whether it was put aside @throws TabmqError */
  async maybeSetAside(partition: number, message: ReceivedMessage): Promise<boolean> {
    if (this.policy.value === 'retry') return false
    const { admin, producer } = this.#options
    await admin.createTopics({ topics: [{ topic: DEAD_ROWS }], ifNotExists: true })
    const headers = { 'died-in': `${TOPIC} ${partition}`, 'died-at': String(message.offset) }
    await producer.send({ topic: DEAD_ROWS, messages: [{ value: message.value, headers }] })
    return true
  }
}
