import { describe, expect, it } from 'vitest'
import { decideProduce } from '../../../src/broker/log/decide-produce.js'
import { parseBatchHeader } from '../../../src/protocol/batch-header.js'
import type { PartitionId } from '../../../src/protocol/names.js'
import { batchOf } from '../batches.js'
import { StateContext } from '../state-context.js'

const UNKNOWN = 99 as PartitionId

function codesOf(results: readonly { error?: { code: string } }[]): (string | undefined)[] {
  return results.map((result) => result.error?.code)
}

describe('produce', () => {
  it('places each batch at the end of its partition', () => {
    const context = new StateContext()
    const log = context.createLog('orders')
    context.append(log, { records: 2, timestamps: [50, 70] })
    const endPosition = log.endPosition
    const { records } = decideProduce(
      context.state,
      [{ partitionId: log.partitionId, batch: batchOf({ timestamps: [60] }) }],
      context,
    )
    const [record] = records
    if (record?.type !== 'batch') throw new Error('no batch was decided')
    expect(parseBatchHeader(record.batch)).toMatchObject({
      baseOffset: 2,
      position: endPosition,
      maxTimestampMs: 60,
      maxTimestampSoFarMs: 70,
    })
  })

  it('decides and changes nothing', () => {
    const context = new StateContext()
    const log = context.createLog('orders')
    const producer = { id: 1, sequence: 0 }
    const batch = batchOf({ producer })
    const { records } = decideProduce(
      context.state,
      [{ partitionId: log.partitionId, batch }],
      context,
    )
    expect(records.map((record) => record.type)).toEqual(['batch', 'producer'])
    expect([log.logEndOffset, [...log.producers()].length]).toEqual([0, 0])
  })

  it('fails one partition alone', () => {
    const context = new StateContext({ batchBytesMax: 1_000 })
    const [good = UNKNOWN, small = UNKNOWN, corrupt = UNKNOWN] = context.createTopic('orders', 3, {
      maxMessageBytes: 500,
    })
    const results = context.produce([
      { partitionId: UNKNOWN, batch: batchOf() },
      { partitionId: small, batch: batchOf({ bytes: 600 }) },
      { partitionId: corrupt, batch: new ArrayBuffer(200) },
      { partitionId: good, batch: batchOf() },
    ])
    expect(codesOf(results)).toEqual([
      'UNKNOWN_TOPIC_OR_PARTITION',
      'MESSAGE_TOO_LARGE',
      'CORRUPT_MESSAGE',
      undefined,
    ])
    expect(results[3]).toEqual({ partitionId: good, baseOffset: 0, duplicate: false })
    expect([good, small, corrupt].map((id) => context.log(id).logEndOffset)).toEqual([1, 0, 0])
  })

  it('takes a message of just the largest size, and a batch of just the largest', () => {
    const batch = batchOf({ bytes: 100 })
    const { largestMessageBytes } = parseBatchHeader(batch)
    const produce = (maxMessageBytes: number, batchBytesMax: number) => {
      const context = new StateContext({ batchBytesMax })
      const { partitionId } = context.createLog('orders', { maxMessageBytes })
      return codesOf(context.produce([{ partitionId, batch: batch.slice(0) }]))[0]
    }
    expect(produce(largestMessageBytes, batch.byteLength)).toBeUndefined()
    expect(produce(largestMessageBytes - 1, batch.byteLength)).toBe('MESSAGE_TOO_LARGE')
    expect(produce(largestMessageBytes, batch.byteLength - 1)).toBe('MESSAGE_TOO_LARGE')
  })

  it('says how large is too large', () => {
    const context = new StateContext({ batchBytesMax: 300 })
    const { partitionId } = context.createLog('orders', { maxMessageBytes: 100 })
    const tooLarge = [120, 400].map((bytes) => {
      const [result] = context.produce([{ partitionId, batch: batchOf({ bytes }) }])
      return result?.error?.details
    })
    expect(tooLarge[0]).toMatchObject({ partition: 0, maxMessageBytes: 100 })
    expect(tooLarge[1]).toMatchObject({ batchBytesMax: 300 })
  })

  it('recognises a repeat on its partition only', () => {
    const context = new StateContext()
    const [a = UNKNOWN, b = UNKNOWN] = context.createTopic('orders', 2)
    const send = (partitionId: PartitionId) =>
      context.produce([{ partitionId, batch: batchOf({ producer: { id: 1, sequence: 0 } }) }])[0]
    expect(send(a)).toMatchObject({ baseOffset: 0, duplicate: false })
    expect(send(b)).toMatchObject({ baseOffset: 0, duplicate: false })
    expect(send(a)).toMatchObject({ baseOffset: 0, duplicate: true })
    expect(context.log(a).logEndOffset).toBe(1)
  })

  it('refuses what is out of sequence and leaves the producer as it was', () => {
    const context = new StateContext()
    const log = context.createLog('orders')
    context.append(log, { producer: { id: 1, sequence: 0 } })
    const { partitionId } = log
    const [late] = context.produce([
      { partitionId, batch: batchOf({ producer: { id: 1, sequence: 5 } }) },
    ])
    expect(late?.error?.code).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
    expect(context.append(log, { producer: { id: 1, sequence: 1 } }).baseOffset).toBe(1)
  })

  it('keeps producers apart, and asks nothing of batches without one', () => {
    const context = new StateContext()
    const log = context.createLog('orders')
    context.append(log, { producer: { id: 1, sequence: 0 } })
    context.append(log, { producer: { id: 2, sequence: 40 } })
    context.append(log)
    context.append(log)
    expect(log.logEndOffset).toBe(4)
    expect([...log.producers()].map(([producerId]) => producerId)).toEqual([1, 2])
  })
})
