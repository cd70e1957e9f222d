/**
 * What becomes of a message that cannot be handled. By default it is tried again and again, and its
 * partition waits, as a log's does; once the reader says so, it is put aside into a topic of dead letters,
 * by whichever tab has it then.
 */
import type { Admin, Producer, ReceivedMessage } from '../../src/index.js'
import { oneOf, SharedSetting } from '../app/shared-setting.js'
import { DEAD_ROWS, ID_HEADER, TOPIC } from '../names.js'

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
    const id = message.headers[ID_HEADER]
    const place = { 'died-in': `${TOPIC} ${partition}`, 'died-at': String(message.offset) }
    const headers = typeof id === 'string' ? { ...place, [ID_HEADER]: id } : place
    await producer.send({ topic: DEAD_ROWS, messages: [{ value: message.value, headers }] })
    return true
  }
}
