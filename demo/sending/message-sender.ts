/**
 * Sends messages and writes down in the ledger which of them were acknowledged. Each message
 * carries an id of the demo's own in a header, so that the checker need not believe the broker.
 */
import type { Message, Producer, RecordMetadata } from '../../src/index.js'
import { formatMessageId, type SentShare } from '../ledger/ledger-row.js'
import type { LedgerStore } from '../ledger/ledger-store.js'
import { ID_HEADER, TOPIC, TOPIC_ID_HEADER } from '../names.js'
import type { TabIdentity } from '../tab-identity.js'
import { placeMessages, type PlacedMessage } from './placement.js'

export interface MessageToSend {
  readonly key: string | undefined
  readonly value: unknown
  readonly partition?: number
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

  constructor(options: MessageSenderOptions) {
    this.#options = options
  }

  /**
   * Sends messages, and resolves when they are acknowledged and the ledger says so.
   * @throws TabmqError what `producer.send` throws
   */
  async send(messages: readonly MessageToSend[]): Promise<RecordMetadata[]> {
    const topic = await this.#options.topic()
    const numbered = messages.map((message) => ({ ...message, number: this.#number++ }))
    const groups = [
      numbered.filter(({ partition }) => partition !== undefined),
      numbered.filter(({ key, partition }) => key !== undefined && partition === undefined),
      numbered.filter(({ key, partition }) => key === undefined && partition === undefined),
    ].filter((group) => group.length > 0)
    const answers = await Promise.all(groups.map((group) => this.#sendGroup(group, topic)))
    await this.#writeDown(
      topic,
      answers.flatMap(({ shares }) => shares),
    )
    return answers.flatMap(({ answer }) => answer)
  }

  async #sendGroup(
    group: readonly (PlacedMessage & { readonly value: unknown })[],
    { topicId, numPartitions }: TopicNow,
  ) {
    const { run } = this.#options.identity
    const messages = group.map(({ number, key, value, partition }): Message => ({
      value,
      headers: { [ID_HEADER]: formatMessageId({ run, number }), [TOPIC_ID_HEADER]: topicId },
      ...(key === undefined ? {} : { key }),
      ...(partition === undefined ? {} : { partition }),
    }))
    const answer = await this.#options.producer.send({ topic: TOPIC, messages })
    return { answer, shares: placeMessages({ messages: group, numPartitions, answer }) }
  }

  async #writeDown({ topicId }: TopicNow, shares: readonly SentShare[]): Promise<void> {
    const { run, number } = this.#options.identity
    await this.#options.store.append({
      kind: 'sent',
      epoch: topicId,
      tab: number,
      atMs: Date.now(),
      run,
      shares,
    })
  }
}
