/** Messages that are sent once more, on the broker in memory. */
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import type { MessageRow } from '../../src/console/messages/message-row.js'
import { Replay } from '../../src/console/messages/replay.js'
import { memoryBroker } from '../../src/testing/index.js'

const broker = memoryBroker()
const mq = broker.client()
const admin = mq.admin()
const producer = mq.producer()
let topic = ''
let count = 0

afterAll(() => broker.close())
beforeEach(async () => {
  count += 1
  topic = `again-${count}`
  await admin.createTopics({ topics: [{ topic, config: { maxMessageBytes: 1_000 } }] })
})

/** 900 messages, of which the one at 700 is too large for the topic. */
function rows(large: readonly number[] = [700]): MessageRow[] {
  return Array.from({ length: 900 }, (_, offset) => ({
    type: 'message',
    partition: 3,
    offset: 10_000 + offset,
    timestamp: offset,
    key: null,
    value: large.includes(offset) ? 'x'.repeat(2_000) : offset,
    headers: {},
    codec: 'structured',
  }))
}

async function stored(): Promise<unknown[]> {
  const { messages } = await admin.fetchMessages({ topic, partition: 0, maxMessages: 10_000 })
  return messages.map(({ value }) => value)
}

const signal = new AbortController().signal
const numbers = (from: number, until: number) =>
  Array.from({ length: until - from }, (_, at) => from + at)

describe('a replay', () => {
  test('sends all, in order', async () => {
    const replay = new Replay(rows([]).toReversed())
    await replay.run({ producer, topic, keepsPartitions: false, signal })
    expect(await stored()).toEqual(numbers(0, 900))
    expect(replay.sent).toBe(900)
  })

  test('that fails says how many were sent and which was not, and never sends one twice', async () => {
    const replay = new Replay(rows())
    const target = { producer, topic, keepsPartitions: false, signal }
    await expect(replay.run(target)).rejects.toThrow(
      /^700 of 900 were sent\. The one at partition 3, offset 10700 was not: it has \d+ bytes/,
    )
    expect(replay.refused).toMatchObject({ offset: 10_700 })
    expect(await stored()).toEqual(numbers(0, 700))
    await expect(replay.run(target)).rejects.toThrow('700 of 900 were sent.')
    expect(await stored()).toEqual(numbers(0, 700))
    replay.leaveOut()
    await replay.run(target)
    expect(await stored()).toEqual([...numbers(0, 700), ...numbers(701, 900)])
    expect(replay).toMatchObject({ sent: 899, leftOut: 1 })
  })

  test('says what is not known when the request is lost', async () => {
    let isLost = true
    const failing = {
      send: async (record: Parameters<typeof producer.send>[0]) => {
        if (record.messages[0]?.value === 500 && isLost) throw new Error('no answer')
        return producer.send(record)
      },
    }
    const replay = new Replay(rows([]))
    const target = { producer: failing, topic, keepsPartitions: false, signal }
    await expect(replay.run(target)).rejects.toThrow(
      '500 of 900 were sent. Of the next 400 it is not known; sending again begins with them. no answer',
    )
    isLost = false
    await replay.run(target)
    expect(await stored()).toEqual(numbers(0, 900))
  })

  test('stops between two requests when it is told to', async () => {
    const control = new AbortController()
    const stopping = {
      send: (record: Parameters<typeof producer.send>[0]) => {
        control.abort()
        return producer.send(record)
      },
    }
    const replay = new Replay(rows([]))
    await replay.run({ producer: stopping, topic, keepsPartitions: false, signal: control.signal })
    expect(replay.sent).toBe(500)
    expect(await stored()).toEqual(numbers(0, 500))
  })
})
