/** Members that take more than others, and change their minds. */
import { describe, expect, test } from 'vitest'
import { codeOf, inContext, type ClientContext } from './client-context.js'
import { read, type Reader, type ReaderOptions } from './reader.js'
import { work } from './share-worker.js'

/** As soon as nothing moves any more, how many partitions each has. */
async function shares(context: ClientContext, readers: readonly Reader[]): Promise<number[]> {
  await context.until(async () => {
    const [group] = await context.done(context.admin.describeGroups(['g']))
    const isAll = group?.members.length === readers.length
    return isAll && group.state === 'stable'
  })
  return readers.map(({ assignment }) => assignment.length)
}

async function readAll(
  context: ClientContext,
  options: readonly ReaderOptions[],
): Promise<Reader[]> {
  const readers: Reader[] = []
  for (const one of options) readers.push(await read(context, context.tab(), one))
  return readers
}

describe('a consumer', () => {
  test(
    'gets partitions in proportion to its weight, and is described with it',
    inContext(async (context) => {
      await context.topic('orders', 8)
      const readers = await readAll(context, [{}, { weight: 3 }, { weight: 4 }])
      expect(await shares(context, readers)).toEqual([1, 3, 4])
      const [group] = await context.done(context.admin.describeGroups(['g']))
      const weights = group?.members.map(({ weight, target }) => [weight, target.length])
      expect(weights?.sort()).toEqual([
        [1, 1],
        [3, 3],
        [4, 4],
      ])
    }),
  )

  test(
    'that says another weight gets another share, and no more moves than must',
    inContext(async (context) => {
      await context.topic('orders', 8)
      const readers = await readAll(context, [{}, {}])
      const [first, second] = readers as [Reader, Reader]
      expect(await shares(context, readers)).toEqual([4, 4])
      const moved = () => readers.flatMap((one) => one.partitionsOf('partitionsRevoked')).length
      const before = moved()
      await first.consumer.setWeight(3)
      await context.until(() => first.assignment.length === 6)
      expect(await shares(context, readers)).toEqual([6, 2])
      expect(moved()).toBe(before + 2)
      await second.consumer.setWeight(3)
      await context.until(() => second.assignment.length === 4)
      expect(await shares(context, readers)).toEqual([4, 4])
      expect(moved()).toBe(before + 4)
      // The same again moves nothing, and makes no new target.
      const [group] = await context.done(context.admin.describeGroups(['g']))
      await second.consumer.setWeight(3)
      await context.advance(5_000)
      const [after] = await context.done(context.admin.describeGroups(['g']))
      expect(after?.groupEpoch).toBe(group?.groupEpoch)
    }),
  )

  test(
    'keeps the weight that it has said, over a stop and the death of a broker',
    inContext(async (context) => {
      await context.topic('orders', 8)
      const readers = await readAll(context, [{}, {}])
      const [first] = readers as [Reader, Reader]
      await first.consumer.setWeight(7)
      await context.until(() => first.assignment.length === 7)
      context.kill()
      expect(await shares(context, readers)).toEqual([7, 1])
      await context.done(first.consumer.stop())
      await first.consumer.setWeight(3)
      await context.done(first.run())
      expect(await shares(context, readers)).toEqual([6, 2])
    }),
  )

  test(
    'says it again when the broker died before it heard',
    inContext(async (context) => {
      await context.topic('orders', 8)
      const tabs = [context.tab(), context.tab()]
      const readers: Reader[] = []
      for (const tab of tabs) readers.push(await read(context, tab))
      const held = tabs[0]?.hold('groupHeartbeat', 'request')
      await readers[0]?.consumer.setWeight(3)
      await context.until(() => held?.size === 1)
      held?.drop()
      context.kill()
      expect(await shares(context, readers)).toEqual([6, 2])
    }),
  )

  test(
    'that is static has its weight while it is away, whatever becomes of the broker',
    inContext(async (context) => {
      await context.topic('orders', 8)
      const tab = context.tab()
      const left = { groupInstanceId: 'left', weight: 3, sessionTimeoutMs: 60_000 }
      const reader = await read(context, tab, left)
      expect(reader.assignment).toHaveLength(8)
      tab.crash()
      await context.settle()
      context.kill()
      const other = await read(context, context.tab())
      await context.advance(5_000)
      const [group] = await context.done(context.admin.describeGroups(['g']))
      const targets = group?.members.map(({ weight, target }) => [weight, target.length])
      expect(targets?.sort()).toEqual([
        [1, 2],
        [3, 6],
      ])
      expect(other.assignment).toHaveLength(0)
      const back = await read(context, context.tab(), left)
      expect(await shares(context, [back, other])).toEqual([6, 2])
    }),
  )

  test.each(['range', 'roundrobin'] as const)('whose group deals by %s has an even share', (name) =>
    inContext(async (context) => {
      await context.topic('orders', 8)
      const readers = await readAll(context, [
        { assignor: name },
        { assignor: name, weight: 1_000 },
      ])
      expect(await shares(context, readers)).toEqual([4, 4])
    })(),
  )
})

describe('a share consumer', () => {
  test(
    'says another weight while it runs, and keeps what it has',
    inContext(async (context) => {
      await context.topic('orders')
      const worker = await work(context, context.tab())
      const weight = async () => {
        const [group] = await context.done(context.admin.describeShareGroups(['q']))
        return group?.members.map((member) => member.weight)
      }
      expect(await weight()).toEqual([1])
      await worker.consumer.setWeight(9)
      await context.until(async () => (await weight())?.[0] === 9)
      context.kill()
      await context.until(async () => (await weight())?.[0] === 9)
      expect(worker.eventsOf('lockLost')).toEqual([])
    }),
  )
})

test(
  'a weight is a whole number from 1 to 1,000',
  inContext(async (context) => {
    const { mq } = context.tab()
    const consumer = mq.consumer({ groupId: 'g' })
    const shared = mq.shareConsumer({ groupId: 'q' })
    for (const weight of [0, 1_001, 1.5, '2', undefined] as number[]) {
      expect(await codeOf(consumer.setWeight(weight))).toBe('INVALID_CONFIG')
      expect(await codeOf(shared.setWeight(weight))).toBe('INVALID_CONFIG')
    }
    for (const weight of [0, 1_001, Number.NaN]) {
      expect(() => mq.consumer({ groupId: 'g', weight })).toThrow('weight')
    }
    for (const one of [consumer, shared]) {
      await one.disconnect()
      expect(await codeOf(one.setWeight(1))).toBe('CLIENT_CLOSED')
    }
  }),
)
