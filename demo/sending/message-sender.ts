/**
 * Sends messages and writes down in the ledger which of them were acknowledged. Each message
 * carries an id of the demo's own, so that the checker need not believe the broker. It is the message's
 * id and no header: what the console sends again is another message, with none.
 */
import type { Message, Producer, RecordMetadata } from '../../src/index.js'
import { formatMessageId } from '../ledger/ledger-row.js'
import type { LedgerStore } from '../ledger/ledger-store.js'
import { TOPIC, TOPIC_ID_HEADER } from '../names.js'
import type { TabIdentity } from '../tab-identity.js'
import { partitionFor, placeMessages, type PlacedMessage } from './placement.js'

export interface MessageToSend {
  readonly key: string | undefined
  readonly value: unknown
  readonly partition?: number
  readonly headers?: Readonly<Record<string, string>>
}

export interface TopicNow {
  readonly topicId: string
  readonly numPartitions: number
}

export interface MessageSenderOptions {
  readonly producer: Producer
  readonly store: LedgerStore
  readonly identity: TabIdentity
  /** Waits for the first news of the topic. */
  readonly topic: () => Promise<TopicNow>
}

export class MessageSender {
  readonly #options: MessageSenderOptions
  #number = 0
  /** Messages without a key stay together within one `send`; the next one's go elsewhere. */
  #anywhere = 0

  constructor(options: MessageSenderOptions) {
    this.#options = options
  }

  /**
   * Sends messages, and resolves when they are acknowledged and the ledger says so.
   * @throws TabmqError what `producer.send` throws
   */
  async send(wishes: readonly MessageToSend[]): Promise<RecordMetadata[]> {
    const { identity, store, producer, topic } = this.#options
    const { run, number: tab } = identity
    const { topicId: epoch, numPartitions } = await topic()
    const anywhere = this.#anywhere++
    const placed: PlacedMessage[] = []
    const messages = wishes.map(({ key, value, partition: wanted, headers }): Message => {
      const number = this.#number++
      const partition = wanted ?? partitionFor(key, { numPartitions, anywhere })
      placed.push({ number, partition })
      const id = formatMessageId({ run, number })
      const all = { ...headers, [TOPIC_ID_HEADER]: epoch }
      return { key: key ?? null, value, partition, headers: all, messageId: id }
    })
    const answer = await producer.send({ topic: TOPIC, messages })
    const shares = placeMessages(placed, answer)
    await store.append({ kind: 'sent', epoch, tab, atMs: Date.now(), run, shares })
    return answer
  }
}
