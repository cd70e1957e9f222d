import { describe, expect, it } from 'vitest'
import { offsetAt, RIGHT, type LanePicture } from '../../demo/logs/lane-painter.js'
import { Eased, recordsShown } from '../../demo/logs/lane-scale.js'
import { lanesOf, type LaneView } from '../../demo/logs/lane-view.js'
import { memoryBroker } from '../../src/testing/index.js'

function lane(given: Partial<LaneView>): LaneView {
  const nobody = { owner: undefined, marks: [], locks: [] }
  return { topicId: 'id', partition: 0, start: 0, end: 0, ...nobody, ...given }
}

const mark = (offset: number | undefined) => ({ groupId: 'workers', offset, lag: 0 })

describe('lanes', () => {
  it('have owner, ends, marks of groups and locks of share groups', async () => {
    await using broker = memoryBroker()
    const mq = broker.client({ clientId: 'tab-2' })
    await mq.admin().createTopics({ topics: [{ topic: 'rows', numPartitions: 2 }] })
    const messages = Array.from({ length: 5 }, (_, value) => ({ value, partition: 1 }))
    await mq.producer().send({ topic: 'rows', messages })
    const consumer = mq.consumer({ groupId: 'workers' })
    await consumer.subscribe({ topics: ['rows'], fromBeginning: true })
    const committed = new Promise((resolve) => consumer.on('commitOffsets', resolve))
    await consumer.run({ eachMessage: () => {} })
    await committed
    const queue = mq.shareConsumer({ groupId: 'queue' })
    await queue.subscribe({ topics: ['rows'] })
    let release = () => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    const delivered = new Promise<void>((resolve) => {
      const eachMessage = () => {
        resolve()
        return released
      }
      void queue.run({ eachMessage })
    })
    await delivered
    const states = mq.admin().watch()
    for await (const state of states) {
      const [, second] = lanesOf(state, 'rows')
      if (second?.marks[0]?.offset !== 5 || second.locks.length === 0) continue
      expect(second).toMatchObject({
        owner: { text: 'Tab 2' },
        end: 5,
        marks: [
          { groupId: 'workers', offset: 5, lag: 0 },
          { groupId: 'queue', offset: 0, lag: 5 },
        ],
        locks: [{ first: 0, deliveryCount: 1, tab: { text: 'Tab 2' } }],
      })
      expect(lanesOf(state, 'nothing')).toEqual([])
      break
    }
    release()
  })
})

describe('the scale of the lanes', () => {
  it('shows what the group that is furthest behind has not handled', () => {
    expect(recordsShown([])).toBe(32)
    expect(recordsShown([lane({ end: 1_000, marks: [mark(1_000)] })])).toBe(32)
    const behind = lane({ end: 1_000, marks: [mark(1_000), mark(500)] })
    expect(recordsShown([lane({ end: 10 }), behind])).toBe(600)
    expect(recordsShown([lane({ start: 900, end: 1_000, marks: [mark(undefined)] })])).toBe(120)
  })

  it('finds the offset under the pointer, and none in an empty log', () => {
    const picture = {
      width: 112,
      pixelsPerRecord: 10,
      start: 3,
      end: 20,
      shownEnd: 20,
    } as LanePicture
    expect(offsetAt(picture, 112 - RIGHT - 1)).toBe(19)
    expect(offsetAt(picture, 112 - RIGHT - 25)).toBe(17)
    expect(offsetAt(picture, 112)).toBe(19)
    expect(offsetAt({ ...picture, start: 15 }, 0)).toBe(15)
    expect(offsetAt({ ...picture, start: 20 }, 50)).toBeUndefined()
  })

  it('moves to where it is to be, and says when it is there', () => {
    const eased = new Eased(0)
    let frames = 0
    while (eased.follow(100, { elapsedMs: 16, nearness: 0.1 })) frames += 1
    expect(eased.value).toBe(100)
    expect(frames).toBeGreaterThan(10)
    expect(frames).toBeLessThan(100)
    expect(eased.follow(5, { elapsedMs: Infinity, nearness: 0 })).toBe(false)
    expect(eased.value).toBe(5)
  })
})
