/**
 * Sends messages and writes down in the ledger which of them were acknowledged. Each message
 * carries an id of the demo's own in a header, so that the checker need not believe the broker.
 */
import type { Message, Producer, RecordMetadata, Tabmq } from '../../src/index.js'
import { formatMessageId } from '../ledger/ledger-row.js'
import type { LedgerStore } from '../ledger/ledger-store.js'
import { ID_HEADER, TOPIC, TOPIC_ID_HEADER } from '../names.js'
import type { TabIdentity } from '../tab-identity.js'
import { Placement } from './placement.js'

export interface MessageToSend {
  readonly key: string | undefined
  readonly value: unknown
  readonly partition?: number
  readonly headers?: Readonly<Record<string, string>>
}

export interface MessageSenderOptions {
  readonly mq: Tabmq
  readonly store: LedgerStore
  readonly identity: TabIdentity
  /** Waits for the first news of the topic. */
  readonly topicId: () => Promise<string>
}

export class MessageSender {
  readonly #options: MessageSenderOptions
  readonly #placement = new Placement()
  readonly #producer: Producer
  #number = 0

  constructor(options: MessageSenderOptions) {
    this.#options = options
    this.#producer = options.mq.producer({ partitioner: this.#placement.partitioner })
  }

  /**
   * Sends messages, and resolves when they are acknowledged and the ledger says so.
   * @throws TabmqError what `producer.send` throws
   */
  async send(wishes: readonly MessageToSend[]): Promise<RecordMetadata[]> {
    const { identity, store, topicId } = this.#options
    const { run, number: tab } = identity
    const epoch = await topicId()
    const numbered = wishes.map((wish) => {
      const number = this.#number++
      const partition = wish.partition === undefined ? {} : { partition: wish.partition }
      return { wish, id: formatMessageId({ run, number }), number, ...partition }
    })
    const messages = numbered.map(({ wish, id }): Message => {
      const { key, value, partition, headers } = wish
      return {
        value,
        headers: { ...headers, [ID_HEADER]: id, [TOPIC_ID_HEADER]: epoch },
        ...(key === undefined ? {} : { key }),
        ...(partition === undefined ? {} : { partition }),
      }
    })
    this.#placement.turn()
    try {
      const answer = await this.#producer.send({ topic: TOPIC, messages })
      const shares = this.#placement.place(numbered, answer)
      await store.append({ kind: 'sent', epoch, tab, atMs: Date.now(), run, shares })
      return answer
    } finally {
      this.#placement.forget(numbered)
    }
  }
}
