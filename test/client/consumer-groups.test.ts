/** Consumers that share a group: who holds what, what they are told, and what befalls a tab. */
import { describe, expect, test } from 'vitest'
import type { ConsumerOptions } from '../../src/client/consumer/consumer-options.js'
import type { ConsumerEvents } from '../../src/client/consumer/delivery.js'
import { TabmqError } from '../../src/protocol/errors.js'
import { codeOf, Held, inContext, type ClientContext } from './client-context.js'
import { committed, namesOf, produce, range, read, Reader } from './reader.js'

const ALL_FOUR = ['orders 0', 'orders 1', 'orders 2', 'orders 3']

function assignmentsOf(readers: readonly Reader[]): string[] {
  return readers.flatMap(({ assignment }) => assignment).sort((a, b) => (a < b ? -1 : 1))
}

/** Waits until the group has settled and its members hold all of four partitions between them. */
async function untilShared(context: ClientContext, readers: readonly Reader[]): Promise<void> {
  await context.until(() => assignmentsOf(readers).join() === ALL_FOUR.join())
  await context.until(async () => {
    const [group] = await context.admin.describeGroups(['g'])
    return group?.state === 'stable'
  })
}

describe('sharing', () => {
  test(
    'partitions are spread over tabs, and each message is handled by one of them',
    inContext(async (context) => {
      await context.topic('orders', 4)
      const readers: Reader[] = []
      for (const _ of range(3)) readers.push(await read(context, context.tab()))
      await untilShared(context, readers)
      expect(readers.map(({ assignment }) => assignment.length).sort((a, b) => a - b)).toEqual([
        1, 1, 2,
      ])
      for (const partition of range(4)) {
        await produce(context, range(5, partition * 10), { partition })
      }
      await context.until(() => readers.flatMap(({ handled }) => handled).length === 20)
      expect(new Set(readers.flatMap(({ values }) => values)).size).toBe(20)
    }),
  )

  test(
    'a rebalance moves only what it must, and the rest is handled meanwhile',
    inContext(async (context) => {
      await context.topic('orders', 4)
      const first = await read(context, context.tab())
      expect(first.assignment).toEqual(ALL_FOUR)
      const second = await read(context, context.tab())
      await untilShared(context, [first, second])
      expect(first.partitionsOf('partitionsRevoked')).toEqual(second.assignment)
      const third = await read(context, context.tab())
      await untilShared(context, [first, second, third])
      const revoked = [first, second].flatMap((one) => one.partitionsOf('partitionsRevoked'))
      expect(revoked).toHaveLength(3)
      await third.consumer.disconnect()
      await untilShared(context, [first, second])
      // Those that stayed kept what they had.
      const after = [first, second].flatMap((one) => one.partitionsOf('partitionsRevoked'))
      expect(after).toHaveLength(3)
    }),
  )

  test(
    'a partition is not given to another before its handler is done and its offset committed',
    inContext(async (context) => {
      await context.topic('orders', 2)
      for (const partition of range(2)) await produce(context, [partition], { partition })
      const gate = new Held()
      const first = await read(context, context.tab(), {
        gate,
        run: { partitionsConsumedConcurrently: 2 },
      })
      await context.until(() => gate.size === 2)
      const second = await read(context, context.tab())
      await context.advance(20_000)
      expect(second.assignment).toEqual([])
      gate.release()
      await context.until(() => second.assignment.length === 1)
      await context.advance(1_000)
      expect(second.handled).toEqual([])
      expect(first.handled).toHaveLength(2)
      expect(await committed(context)).toEqual({ 'orders 0': 1, 'orders 1': 1 })
    }),
  )

  test(
    'more members than partitions: the others wait, and take over when one leaves',
    inContext(async (context) => {
      await context.topic('orders')
      const first = await read(context, context.tab())
      const spare = await read(context, context.tab())
      await context.advance(1_000)
      expect(spare.assignment).toEqual([])
      await first.consumer.stop()
      await context.settle()
      expect(spare.assignment).toEqual(['orders 0'])
    }),
  )

  test(
    'members with different subscriptions get what they asked for (rule 12)',
    inContext(async (context) => {
      await context.topic('orders', 4)
      await context.topic('refunds', 4)
      const both = await read(context, context.tab(), { topics: ['orders', 'refunds'] })
      const orders = await read(context, context.tab(), { topics: ['orders'] })
      await context.until(() => orders.assignment.length === 4)
      await context.until(() => both.assignment.length === 4)
      expect(both.assignment.every((name) => name.startsWith('refunds'))).toBe(true)
    }),
  )

  test.each(['uniform', 'range', 'roundrobin', 'sticky'] as const)(
    'the assignor %s shares everything',
    async (assignor) =>
      inContext(async (context) => {
        await context.topic('orders', 4)
        const readers: Reader[] = []
        for (const _ of range(2)) readers.push(await read(context, context.tab(), { assignor }))
        await untilShared(context, readers)
        const [group] = await context.admin.describeGroups(['g'])
        expect(group?.assignor).toBe(assignor)
      })(),
  )
})

describe('what listeners are told', () => {
  test(
    'joining, assigning, revoking and stopping, in this order, with names',
    inContext(async (context) => {
      await context.topic('orders', 2)
      const first = await read(context, context.tab())
      const second = await read(context, context.tab())
      await context.until(() => second.assignment.length === 1)
      await second.consumer.stop()
      await context.until(() => first.assignment.length === 2)
      await first.consumer.stop()
      expect(first.happened()).toEqual([
        'groupJoin',
        'partitionsAssigned',
        'rebalancing',
        'partitionsRevoked',
        'partitionsAssigned',
        'partitionsRevoked',
        'stop',
      ])
      expect(first.eventsOf('partitionsAssigned')[0]).toEqual({
        groupId: 'g',
        partitions: range(2).map((partition) => ({ topic: 'orders', partition })),
      })
      const [joined] = first.eventsOf('groupJoin')
      expect(joined).toMatchObject({ groupId: 'g', memberEpoch: 1 })
      expect(first.eventsOf('heartbeat').length).toBeGreaterThan(0)
      expect(first.eventsOf('heartbeat')[0]).toEqual(joined)
    }),
  )

  test(
    'a join without partitions is told as well',
    inContext(async (context) => {
      const reader = await read(context, context.tab())
      expect(reader.happened()).toEqual(['groupJoin', 'partitionsAssigned'])
      expect(reader.eventsOf('partitionsAssigned')).toEqual([{ groupId: 'g', partitions: [] }])
    }),
  )

  test(
    'in partitionsRevoked offsets can still be committed, and the partition waits for it (rule 8)',
    inContext(async (context) => {
      await context.topic('orders', 2)
      for (const partition of range(2)) await produce(context, range(3), { partition })
      const first = await read(context, context.tab(), { run: { autoCommit: false } })
      await context.until(() => first.handled.length === 6)
      const slow = new Held()
      const aborted: boolean[] = []
      first.consumer.on('partitionsRevoked', async ({ partitions }) => {
        await new Promise<void>((resolve) => {
          slow.add(resolve)
        })
        aborted.push(first.assignment.length === 1)
        await first.consumer.commitOffsets(partitions.map((one) => ({ ...one, offset: 3 })))
      })
      const second = await read(context, context.tab())
      await context.until(() => slow.size === 1)
      await context.advance(10_000)
      expect(second.assignment).toEqual([])
      slow.release()
      await context.until(() => second.assignment.length === 1)
      await context.advance(1_000)
      expect(second.handled).toEqual([])
      expect(aborted).toEqual([true])
      expect(first.eventsOf('crash')).toEqual([])
    }),
  )

  test(
    'a stop revokes what is held, and waits for the listeners before it commits and leaves',
    inContext(async (context) => {
      await context.topic('orders', 2)
      await produce(context, range(3))
      const first = await read(context, context.tab(), { run: { autoCommit: false } })
      await context.until(() => first.handled.length === 3)
      const second = await read(context, context.tab(), { run: { autoCommit: false } })
      await context.until(() => second.assignment.length === 1)
      const [before] = first.eventsOf('partitionsRevoked').splice(0)
      const slow = new Held()
      first.consumer.on('partitionsRevoked', async ({ partitions }) => {
        await new Promise<void>((resolve) => {
          slow.add(resolve)
        })
        await first.consumer.commitOffsets(partitions.map((one) => ({ ...one, offset: 0 })))
      })
      const stopped = first.consumer.disconnect()
      await context.until(() => slow.size === 1)
      await context.advance(5_000)
      expect(second.assignment).toHaveLength(1)
      slow.release()
      await context.done(stopped)
      const revoked = first.eventsOf('partitionsRevoked').filter((one) => one !== before)
      expect(revoked.map(({ partitions }) => partitions.length)).toEqual([1])
      await context.until(() => second.assignment.length === 2)
      expect(Object.values(await committed(context))).toEqual([0])
    }),
  )

  test.each(['stop', 'disconnect'] as const)(
    'a handler that awaits %s waits for itself, but not for ever',
    async (method) =>
      inContext(async (context) => {
        await context.topic('orders')
        await produce(context, range(3), { inOneBatch: true })
        const signals = new Set<AbortSignal>()
        const reader = await read(context, context.tab(), {
          rebalanceTimeoutMs: 5_000,
          onMessage: async ({ signal, message }, { consumer }) => {
            signals.add(signal)
            if (message.value === 1) await consumer[method]()
          },
        })
        await context.until(() => reader.happened().includes('stop'))
        expect([...signals].map(({ aborted }) => aborted)).toEqual([true])
        expect(reader.eventsOf('crash')).toMatchObject([
          { willRetry: false, error: { code: 'ABORTED' } },
        ])
        expect(await committed(context)).toEqual({ 'orders 0': 1 })
        const other = await read(context, context.tab())
        await context.until(() => other.handled.length === 2)
        expect(other.values).toEqual([1, 2])
      })(),
  )

  test(
    'a handler that hangs until its signal tells it to end holds a stop up no longer than that',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, [0])
      const reader = await read(context, context.tab(), {
        rebalanceTimeoutMs: 5_000,
        onMessage: ({ signal }) =>
          new Promise((_, reject) => {
            signal.addEventListener('abort', () => reject(new DOMException('', 'AbortError')))
          }),
      })
      await context.until(() => reader.started.length === 1)
      const stopped = reader.consumer.stop()
      await context.advance(4_900)
      expect(reader.happened()).not.toContain('stop')
      await context.done(stopped, { withinMs: 200 })
      expect(reader.eventsOf('crash')).toEqual([])
    }),
  )

  test(
    'a listener of partitionsRevoked that awaits the stop holds it up no longer than that either',
    inContext(async (context) => {
      await context.topic('orders')
      const reader = await read(context, context.tab(), { rebalanceTimeoutMs: 5_000 })
      reader.consumer.on('partitionsRevoked', () => reader.consumer.stop())
      await context.done(reader.consumer.stop(), { withinMs: 6_000 })
    }),
  )

  test(
    'a stop of assigned partitions revokes nothing',
    inContext(async (context) => {
      await context.topic('orders')
      const reader = new Reader(context.tab())
      await reader.consumer.assign([{ topic: 'orders', partition: 0 }])
      await reader.run()
      await context.done(reader.consumer.stop())
      expect(reader.happened()).toEqual(['stop'])
    }),
  )

  test(
    'a listener that throws is reported, and keeps nothing from going on',
    inContext(async (context) => {
      await context.topic('orders', 2)
      const tab = context.tab()
      const first = new Reader(tab)
      const assignedError = new Error('assigned')
      const revokedError = new Error('revoked')
      first.consumer.on('partitionsAssigned', () => {
        throw assignedError
      })
      first.consumer.on('partitionsRevoked', () => Promise.reject(revokedError))
      await first.subscribe()
      await first.run()
      const second = await read(context, context.tab())
      await context.until(() => second.assignment.length === 1)
      expect(first.assignment).toHaveLength(1)
      expect(tab.takeErrors()).toEqual([assignedError, revokedError])
    }),
  )

  test(
    'a listener that was taken away hears nothing',
    inContext(async (context) => {
      await context.topic('orders')
      const reader = new Reader(context.tab())
      const heard: string[] = []
      const stop = reader.consumer.on('groupJoin', () => heard.push('join'))
      stop()
      await reader.subscribe()
      await reader.run()
      expect(heard).toEqual([])
    }),
  )

  test(
    'the signal of a handler aborts when its partition is taken away, and what it throws is no crash',
    inContext(async (context) => {
      await context.topic('orders', 2)
      for (const partition of range(2)) await produce(context, [partition], { partition })
      const first = await read(context, context.tab(), {
        run: { partitionsConsumedConcurrently: 2 },
        onMessage: ({ signal }) =>
          new Promise((_, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason as Error))
          }),
      })
      await context.until(() => first.started.length === 2)
      const second = await read(context, context.tab())
      await context.until(() => second.handled.length === 1)
      expect(first.handled).toEqual([])
      expect(first.assignment).toHaveLength(1)
      expect(first.eventsOf('crash')).toEqual([])
    }),
  )
})

describe('a tab that closes or crashes', () => {
  test.each(['crash', 'hide'] as const)('loses its partitions at once (%s)', async (how) =>
    inContext(async (context) => {
      await context.topic('orders', 4)
      const tab = context.tab()
      const doomed = await read(context, tab)
      const other = await read(context, context.tab())
      await untilShared(context, [doomed, other])
      const startMs = context.clock.nowMs
      if (how === 'crash') tab.crash()
      else tab.hide({ mayReturn: false })
      await context.settle()
      expect(other.assignment).toEqual(ALL_FOUR)
      expect(context.clock.nowMs).toBe(startMs)
    })(),
  )

  test(
    'what it had at hand and not committed is handled by another',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(3))
      const tab = context.tab()
      const gate = new Held()
      const doomed = await read(context, tab, { gate })
      await context.until(() => gate.size === 1)
      gate.releaseOne()
      await context.until(() => gate.size === 1)
      const other = await read(context, context.tab())
      tab.crash()
      await context.advance(100)
      expect(doomed.values).toEqual([0])
      expect(other.values).toEqual([1, 2])
    }),
  )
})

describe('a tab that stands still', () => {
  const options = { sessionTimeoutMs: 6_000 }

  test(
    'is fenced after its session timeout, told partitionsLost, and joins again',
    inContext(async (context) => {
      await context.topic('orders', 4)
      const tab = context.tab()
      const frozen = await read(context, tab, options)
      const other = await read(context, context.tab(), options)
      await untilShared(context, [frozen, other])
      const lost = frozen.assignment
      tab.freeze()
      await context.advance(5_000)
      expect(other.assignment).toHaveLength(2)
      await context.advance(3_000)
      expect(other.assignment).toEqual(ALL_FOUR)
      tab.thaw()
      await untilShared(context, [frozen, other])
      const since = frozen.happened().lastIndexOf('partitionsLost')
      expect(frozen.happened().slice(since, since + 2)).toEqual(['partitionsLost', 'groupJoin'])
      expect(frozen.partitionsOf('partitionsLost')).toEqual(lost)
      expect(frozen.partitionsOf('partitionsRevoked')).not.toEqual(expect.arrayContaining(lost))
      expect(frozen.eventsOf('crash')).toEqual([])
    }),
  )

  test(
    'begins with nothing before it has heard that it is still a member',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(10))
      const tab = context.tab()
      const gate = new Held()
      const frozen = await read(context, tab, { ...options, gate })
      await context.until(() => gate.size === 1)
      tab.freeze()
      const other = await read(context, context.tab(), options)
      await context.until(() => other.handled.length === 10)
      // Its code runs again, and what was sent to it meanwhile has not arrived.
      gate.release()
      await context.settle()
      expect(frozen.started).toHaveLength(1)
      tab.thaw()
      await context.done(other.consumer.stop())
      await produce(context, range(2, 10))
      await context.until(() => frozen.handled.length === 3)
      expect(frozen.values).toEqual([0, 10, 11])
    }),
  )

  test(
    'for less than its session goes on at once, and for as long as that after an answer',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(10))
      const tab = context.tab()
      const gate = new Held()
      const frozen = await read(context, tab, { ...options, gate })
      await context.until(() => gate.size === 1)
      const replies = tab.hold('groupHeartbeat', 'reply')
      await context.advance(5_000)
      gate.releaseOne()
      await context.settle()
      expect(frozen.started).toHaveLength(2)
      await context.advance(1_500)
      gate.release()
      await context.settle()
      expect(frozen.started).toHaveLength(2)
      replies.release()
      await context.until(() => frozen.handled.length === 10)
      expect(frozen.values).toEqual(range(10))
    }),
  )

  test.each([
    ['by itself', true],
    ['by hand', false],
  ])('its late commit %s is refused, and what the other committed stays', async (_, autoCommit) =>
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(4))
      const tab = context.tab()
      const gate = new Held()
      const errors: unknown[] = []
      const frozen = await read(context, tab, {
        ...options,
        gate,
        run: { autoCommit },
        onMessage: async ({ topic, partition, message }, { consumer }) => {
          if (autoCommit) return
          const offsets = [{ topic, partition, offset: message.offset + 1 }]
          await consumer.commitOffsets(offsets).catch((error: unknown) => errors.push(error))
        },
      })
      await context.until(() => gate.size === 1)
      const other = await read(context, context.tab(), options)
      tab.freeze()
      await context.until(() => other.handled.length === 4)
      await context.settle()
      // Its handler ends in the moment in which it wakes, before it hears anything.
      tab.thaw()
      gate.release()
      await context.advance(5_000)
      expect(await committed(context)).toEqual({ 'orders 0': 4 })
      if (!autoCommit) {
        expect(errors).toMatchObject([
          { code: expect.stringMatching(/UNKNOWN_MEMBER_ID|FENCED_MEMBER_EPOCH/) as string },
        ])
      }
      expect(frozen.values[0]).toBe(0)
      expect(frozen.happened()).toContain('partitionsLost')
    })(),
  )

  test(
    'is not fenced while it answers, however slow its handlers are',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, [0])
      const gate = new Held()
      const slow = await read(context, context.tab(), { ...options, gate })
      await context.until(() => gate.size === 1)
      await context.advance(120_000)
      expect(slow.assignment).toEqual(['orders 0'])
      gate.release()
      await context.settle()
      expect(await committed(context)).toEqual({ 'orders 0': 1 })
    }),
  )
})

describe('maxPollIntervalMs', () => {
  const options: ConsumerOptions = { maxPollIntervalMs: 20_000 }

  test(
    'a member whose handler runs for longer leaves, others take over, and it joins again when it is done',
    inContext(async (context) => {
      await context.topic('orders', 2)
      await produce(context, [0])
      const gate = new Held()
      const stuck = await read(context, context.tab(), { ...options, gate })
      await context.until(() => gate.size === 1)
      const other = await read(context, context.tab())
      await context.advance(19_000)
      expect(stuck.happened()).not.toContain('partitionsLost')
      await context.advance(6_000)
      expect(stuck.happened()).toContain('partitionsLost')
      expect(stuck.assignment).toEqual([])
      expect(other.assignment).toEqual(['orders 0', 'orders 1'])
      expect(other.values).toEqual([0])
      await context.advance(120_000)
      expect(stuck.eventsOf('groupJoin')).toHaveLength(1)
      const [group] = await context.admin.describeGroups(['g'])
      expect(group?.members).toHaveLength(1)
      gate.release()
      await context.until(() => stuck.assignment.length === 1)
      expect(stuck.eventsOf('groupJoin')).toHaveLength(2)
      await context.advance(10_000)
      expect([stuck.values, other.values]).toEqual([[0], [0]])
    }),
  )

  test(
    'it stays away when the broker dies meanwhile',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, [0])
      const gate = new Held()
      const stuck = await read(context, context.tab(), { ...options, gate })
      await context.until(() => gate.size === 1)
      await context.advance(25_000)
      context.kill()
      await context.advance(25_000)
      expect(stuck.eventsOf('groupJoin')).toHaveLength(1)
      gate.release()
      await context.until(() => stuck.assignment.length === 1)
    }),
  )

  test(
    'a handler that calls heartbeat is not stuck',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, [0])
      let isDone = false
      const reader = await read(context, context.tab(), {
        ...options,
        onMessage: async ({ heartbeat }) => {
          for (const _ of range(10)) {
            await new Promise<void>((resolve) => {
              context.clock.schedule(15_000, resolve)
            })
            await heartbeat()
          }
          isDone = true
        },
      })
      await context.until(() => isDone, { withinMs: 200_000 })
      await context.settle()
      expect(reader.happened()).not.toContain('partitionsLost')
      expect(await committed(context)).toEqual({ 'orders 0': 1 })
    }),
  )

  test(
    'many short handlers of one batch are none that is long',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(20), { inOneBatch: true })
      const reader = await read(context, context.tab(), {
        ...options,
        onMessage: () =>
          new Promise<void>((resolve) => {
            context.clock.schedule(5_000, resolve)
          }),
      })
      await context.until(() => reader.handled.length === 20, { withinMs: 200_000 })
      expect(reader.happened()).not.toContain('partitionsLost')
    }),
  )
})

describe('static members', () => {
  const options = { groupInstanceId: 'left', sessionTimeoutMs: 10_000 }

  test(
    'a reloaded tab gets its partitions back, and the others notice nothing (rule 7)',
    inContext(async (context) => {
      await context.topic('orders', 4)
      const tab = context.tab()
      const before = await read(context, tab, options)
      const other = await read(context, context.tab(), { groupInstanceId: 'right' })
      await untilShared(context, [before, other])
      const held = before.assignment
      const quiet = other.happened().length
      tab.hide({ mayReturn: false })
      await context.advance(3_000)
      const after = await read(context, context.tab(), options)
      expect(after.assignment).toEqual(held)
      await context.advance(20_000)
      expect(after.assignment).toEqual(held)
      expect(other.happened().slice(quiet)).toEqual([])
    }),
  )

  test(
    'one that does not come back in its session timeout loses them',
    inContext(async (context) => {
      await context.topic('orders', 4)
      const tab = context.tab()
      const gone = await read(context, tab, options)
      const other = await read(context, context.tab())
      await untilShared(context, [gone, other])
      tab.hide({ mayReturn: false })
      await context.advance(9_000)
      expect(other.assignment).toHaveLength(2)
      await context.advance(2_000)
      expect(other.assignment).toEqual(ALL_FOUR)
    }),
  )

  test(
    'the same id again stops the older one, which says why',
    inContext(async (context) => {
      await context.topic('orders', 2)
      const older = await read(context, context.tab(), options)
      const newer = await read(context, context.tab(), options)
      await context.until(() => newer.assignment.length === 2)
      await context.settle()
      expect(older.happened().slice(-3)).toEqual(['partitionsLost', 'crash', 'stop'])
      expect(older.eventsOf('crash')).toMatchObject([
        { error: { code: 'FENCED_INSTANCE_ID' }, willRetry: false },
      ])
      expect(older.assignment).toEqual([])
      await context.advance(30_000)
      expect(newer.assignment).toHaveLength(2)
      expect(newer.happened()).not.toContain('partitionsLost')
    }),
  )

  test(
    'the one that was stopped so can run again, when its handler is done',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, [0])
      const gate = new Held()
      const older = await read(context, context.tab(), { ...options, gate })
      await context.until(() => gate.size === 1)
      const newer = await read(context, context.tab(), options)
      await context.until(() => older.happened().includes('stop'))
      await newer.consumer.disconnect()
      const running = older.run()
      await context.advance(1_000)
      expect(older.eventsOf('groupJoin')).toHaveLength(1)
      gate.release()
      await context.done(running)
      expect(older.assignment).toEqual(['orders 0'])
      expect(older.mostAtOncePerPartition).toBe(1)
    }),
  )
})

describe('the broker’s death', () => {
  test(
    'is survived: nothing handled comes again, nothing is lost',
    inContext(async (context) => {
      await context.topic('orders', 2)
      const readers = [await read(context, context.tab()), await read(context, context.tab())]
      await context.until(() => readers.every(({ assignment }) => assignment.length === 1))
      for (const life of range(5)) {
        for (const partition of range(2)) {
          await produce(context, range(3, life * 10 + partition * 100), { partition })
        }
        context.kill()
        await context.advance(5_000)
      }
      const values = readers.flatMap((reader) => reader.values)
      expect(values).toHaveLength(30)
      expect(new Set(values).size).toBe(30)
      expect(readers.flatMap((reader) => reader.eventsOf('crash'))).toEqual([])
    }),
  )

  test(
    'is told as partitionsLost, then the member joins again',
    inContext(async (context) => {
      await context.topic('orders')
      const reader = await read(context, context.tab())
      context.kill()
      await context.advance(1_000)
      expect(reader.happened()).toEqual([
        'groupJoin',
        'partitionsAssigned',
        'partitionsLost',
        'groupJoin',
        'partitionsAssigned',
      ])
    }),
  )

  test.each(['a revocation', 'a stop'])(
    'is told instead of what %s was waiting to let go, and nothing more',
    async (what) =>
      inContext(async (context) => {
        await context.topic('orders', 2)
        for (const partition of range(2)) await produce(context, [0], { partition })
        const gate = new Held()
        const run = { partitionsConsumedConcurrently: 2 }
        const first = await read(context, context.tab(), { run, gate })
        await context.until(() => first.started.length === 2)
        if (what === 'a stop') void first.consumer.stop()
        else await read(context, context.tab())
        await context.advance(1_000)
        context.kill()
        await context.until(() => first.happened().includes('partitionsLost'))
        await context.advance(1_000)
        gate.release()
        await context.advance(5_000)
        expect(first.partitionsOf('partitionsLost')).toEqual(['orders 0', 'orders 1'])
        // As an app keeps count: what it is told to let go is what it was given and still has.
        const has = new Set<string>()
        for (const { type, event } of first.events) {
          if (!isOfPartitions(type)) continue
          const names = namesOf((event as ConsumerEvents[typeof type]).partitions)
          for (const name of names) {
            expect([type, name, has.has(name)]).toEqual([type, name, type !== 'partitionsAssigned'])
            if (type === 'partitionsAssigned') has.add(name)
            else has.delete(name)
          }
        }
        expect([...has]).toEqual(first.assignment)
      })(),
  )

  test.each([
    ['one after the other', 1],
    ['with a commit on its way each time', 3],
  ])('twice in a row (%s) makes no message come again', async (_, deaths) =>
    inContext(async (context) => {
      await context.topic('orders')
      const tab = context.tab()
      const reader = await read(context, tab)
      const commits = tab.hold('commitOffsets', 'request')
      const starts = tab.hold('startOffsets', 'reply')
      starts.release()
      await produce(context, range(3))
      await context.until(() => reader.handled.length === 3)
      for (const _death of range(deaths + 1)) {
        const held = tab.hold('startOffsets', 'reply')
        context.kill()
        await context.until(() => held.size > 0)
        held.drop()
      }
      commits.drop()
      context.kill()
      await context.advance(5_000)
      await produce(context, [3])
      await context.advance(5_000)
      expect(reader.values).toEqual(range(4))
      expect(await committed(context)).toEqual({ 'orders 0': 4 })
    })(),
  )

  test.each([
    ['once', 1],
    ['three times', 3],
  ])(
    'while a handler runs (%s) starts no second one, and its message does not come again',
    async (_, deaths) =>
      inContext(async (context) => {
        await context.topic('orders')
        await produce(context, range(3), { inOneBatch: true })
        const gate = new Held()
        const reader = await read(context, context.tab(), {
          gate,
          run: { partitionsConsumedConcurrently: 4 },
        })
        await context.until(() => gate.size === 1)
        for (const _death of range(deaths)) {
          context.kill()
          await context.advance(10_000)
        }
        expect(gate.size).toBe(1)
        gate.release()
        await context.advance(10_000)
        expect(reader.values).toEqual(range(3))
        expect(reader.mostAtOncePerPartition).toBe(1)
        expect(await committed(context)).toEqual({ 'orders 0': 3 })
      })(),
  )

  test(
    'with autoCommit off redelivers from the committed offset',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, range(4))
      const reader = await read(context, context.tab(), { run: { autoCommit: false } })
      await context.until(() => reader.handled.length === 4)
      await reader.consumer.commitOffsets([{ topic: 'orders', partition: 0, offset: 2 }])
      context.kill()
      await context.advance(5_000)
      expect(reader.values).toEqual([0, 1, 2, 3, 2, 3])
    }),
  )

  test(
    'loses no seek and no pause',
    inContext(async (context) => {
      await context.topic('orders', 2)
      for (const partition of range(2)) await produce(context, range(4), { partition })
      const reader = await read(context, context.tab())
      await context.until(() => reader.handled.length === 8)
      await context.settle()
      reader.consumer.pause([{ topic: 'orders', partitions: [1] }])
      context.forbidBroker()
      context.kill()
      await context.advance(1_000)
      reader.consumer.seek({ topic: 'orders', partition: 0, offset: 3 })
      context.allowBroker()
      await produce(context, [4], { partition: 1 })
      await context.advance(5_000)
      expect(reader.handled.slice(8)).toMatchObject([{ partition: 0, offset: 3 }])
      expect(reader.consumer.paused()).toEqual([{ topic: 'orders', partitions: [1] }])
    }),
  )

  test(
    'a storage failure is the same to the members, and costs nothing twice',
    inContext(async (context) => {
      await context.topic('orders')
      const reader = await read(context, context.tab())
      await produce(context, range(3))
      await context.until(() => reader.handled.length === 3)
      await context.settle()
      context.commitErrors.push(new TabmqError('STORAGE_ERROR', 'the disk says no'))
      await produce(context, range(3, 3))
      await context.advance(5_000)
      expect(reader.values).toEqual(range(6))
      expect(reader.assignment).toEqual(['orders 0'])
    }),
  )
})

describe('a page in the back/forward cache', () => {
  test(
    'gives its partitions up, and joins again when it returns',
    inContext(async (context) => {
      await context.topic('orders', 4)
      const tab = context.tab()
      const cached = await read(context, tab)
      const other = await read(context, context.tab())
      await untilShared(context, [cached, other])
      tab.hide({ mayReturn: true })
      await context.settle()
      expect(other.assignment).toEqual(ALL_FOUR)
      for (const partition of range(4)) await produce(context, [partition], { partition })
      await context.until(() => other.handled.length === 4)
      await context.advance(60_000)
      tab.comeBack()
      await untilShared(context, [cached, other])
      expect(cached.handled).toEqual([])
      const since = cached.happened().lastIndexOf('partitionsLost')
      expect(cached.happened().slice(since, since + 2)).toEqual(['partitionsLost', 'groupJoin'])
      await produce(context, range(4, 10), { partition: 0 })
      await context.advance(1_000)
      expect([...cached.values, ...other.values]).toHaveLength(8)
    }),
  )

  test.each(['the page is in the cache', 'the tab stands still and its broker is gone'])(
    'an offset that is set back while %s is where it goes on',
    async (how) =>
      inContext(async (context) => {
        await context.topic('orders')
        await produce(context, range(10))
        const tab = context.tab()
        const reader = await read(context, tab)
        await context.until(async () => (await committed(context))['orders 0'] === 10)
        const isCached = how === 'the page is in the cache'
        if (isCached) tab.hide({ mayReturn: true })
        else {
          tab.freeze()
          context.kill()
        }
        await context.advance(1_000)
        const partitions = [{ partition: 0, offset: 3 }]
        await context.done(context.admin.setOffsets({ groupId: 'g', topic: 'orders', partitions }))
        if (isCached) tab.comeBack()
        else tab.thaw()
        await context.until(() => reader.handled.length === 17)
        expect(reader.values.slice(10)).toEqual(range(7, 3))
      })(),
  )
})

describe('what cannot be', () => {
  test(
    'a group that is full rejects run, which can be tried again',
    inContext(
      async (context) => {
        await context.topic('orders')
        const first = await read(context, context.tab())
        const second = new Reader(context.tab())
        await second.subscribe()
        expect(await codeOf(second.run())).toBe('GROUP_MAX_SIZE_REACHED')
        await first.consumer.stop()
        await second.run()
        expect(second.assignment).toEqual(['orders 0'])
      },
      { limits: { groupMembersMax: 1 } },
    ),
  )

  test(
    'a group with members cannot be read by assigned partitions of it',
    inContext(async (context) => {
      await context.topic('orders')
      await produce(context, [1])
      await read(context, context.tab())
      const outsider = await read(context, context.tab(), {
        groupId: 'g',
        assign: [{ topic: 'orders', partition: 0 }],
        autoOffsetReset: 'earliest',
      })
      await produce(context, [2])
      await context.advance(1_000)
      expect(outsider.eventsOf('crash')).toMatchObject([{ error: { code: 'NON_EMPTY_GROUP' } }])
    }),
  )

  test(
    'without a broker run rejects in its time, and can be tried again',
    inContext(async (context) => {
      context.forbidBroker()
      const reader = new Reader(context.tab())
      await reader.subscribe()
      const running = codeOf(reader.run())
      await context.advance(30_000)
      expect(await running).toBe('BROKER_UNAVAILABLE')
      context.allowBroker()
      await context.topic('orders')
      await context.done(reader.run())
      await context.until(() => reader.assignment.length === 1)
    }),
  )
})

function isOfPartitions(
  type: keyof ConsumerEvents,
): type is 'partitionsAssigned' | 'partitionsRevoked' | 'partitionsLost' {
  return ['partitionsAssigned', 'partitionsRevoked', 'partitionsLost'].includes(type)
}
