/** What holds whatever happens: drawn by fast-check, which shrinks what fails to the least. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RecordMetadata } from '../../src/client/producer/producer.js'
import { hasCode, TabmqError } from '../../src/protocol/errors.js'
import { ClientContext, type Held, type Tab } from './client-context.js'
import { produce, range, Reader } from './reader.js'

const PARTITIONS = 3

type ProducerStep =
  | { readonly do: 'send'; readonly producer: number; readonly sizes: readonly number[] }
  | { readonly do: 'kill'; readonly held: 'request' | 'reply' | 'commit' | 'none' }
  | { readonly do: 'fail the disk' }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'settle' }
  | { readonly do: 'next microtask' }

const producerStep: fc.Arbitrary<ProducerStep> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      producer: fc.nat(1),
      sizes: fc.array(fc.nat(400), { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('kill' as const),
      held: fc.constantFrom('request' as const, 'reply', 'commit', 'none'),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'fail the disk' as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(200) }) },
  { weight: 2, arbitrary: fc.constant({ do: 'settle' as const }) },
  { weight: 2, arbitrary: fc.constant({ do: 'next microtask' as const }) },
)

const producerOptions = fc.record({
  acks: fc.constantFrom(1 as const, -1 as const),
  lingerMs: fc.constantFrom(0, 0, 5, 50),
  batchSize: fc.constantFrom(100, 1_000, 100_000),
  bufferMemoryBytes: fc.constantFrom(200, 2_000, 1_000_000),
})

interface Sent {
  readonly producer: number
  readonly order: number
  readonly ids: readonly string[]
  readonly results: readonly RecordMetadata[]
}

describe('a producer', () => {
  test('delivers each message once, in order, at the offset that it was told', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.array(producerOptions, { minLength: 2, maxLength: 2 }),
        fc.array(producerStep, { minLength: 5, maxLength: 40 }),
        async (seed, options, steps) => {
          const context = new ClientContext({ seed })
          await context.topic('orders', PARTITIONS)
          const tab = context.tab()
          const producers = options.map((one) => tab.mq.producer({ ...one, codec: 'text' }))
          const sends: Promise<Sent | undefined>[] = []
          let held: Held | undefined
          for (const step of steps) {
            switch (step.do) {
              case 'send': {
                const order = sends.length
                const ids = step.sizes.map((size, index) => `${order}.${index} ${'x'.repeat(size)}`)
                const messages = ids.map((value, index) => ({ key: `k${index}`, value }))
                const producer = producers[step.producer]
                if (producer === undefined) break
                const sent = producer.send({ topic: 'orders', messages })
                const record = { producer: step.producer, order, ids }
                sends.push(sent.then((results) => ({ ...record, results }), unlessRefused))
                break
              }
              case 'kill':
                held?.drop()
                if (step.held === 'commit') held = context.holdCommits()
                else if (step.held !== 'none') held = tab.hold('produce', step.held)
                await context.settle()
                context.kill()
                held?.drop()
                held = undefined
                break
              case 'fail the disk':
                context.commitErrors.push(new TabmqError('STORAGE_ERROR', 'drawn'))
                break
              case 'wait':
                await context.advance(step.ms)
                break
              case 'settle':
                await context.settle()
                break
              default:
                await Promise.resolve()
            }
          }
          const sent = await context.done(Promise.all(sends))
          await expectDelivered(
            context,
            sent.filter((one) => one !== undefined),
          )
          await context.check()
        },
      ),
      { numRuns: 60 },
    )
  })
})

/** A send for which there was no room: of that, nothing may be delivered. */
function unlessRefused(error: unknown): undefined {
  if (!hasCode(error, 'THROTTLING_QUOTA_EXCEEDED')) throw error
}

async function expectDelivered(context: ClientContext, sends: readonly Sent[]): Promise<void> {
  const log = (await context.stored('orders')).map((records) =>
    records.map(({ value }) => value as string),
  )
  const all = sends.flatMap(({ ids }) => ids)
  expect(log.flat().sort()).toEqual([...all].sort())
  for (const { ids, results } of sends) {
    for (const { partition, baseOffset } of results) {
      const records = log[partition] ?? []
      const here = ids.filter((id) => records.includes(id))
      expect(records[baseOffset]).toBe(here[0])
      expect(records.filter((id) => ids.includes(id))).toEqual(here)
    }
  }
  const orderOf = new Map(sends.flatMap(({ ids, order }) => ids.map((id) => [id, order] as const)))
  for (const records of log) {
    for (const producer of [0, 1]) {
      const ids = new Set(
        sends.filter((one) => one.producer === producer).flatMap((one) => one.ids),
      )
      const orders = records.filter((id) => ids.has(id)).map((id) => orderOf.get(id) ?? -1)
      expect(orders).toEqual([...orders].sort((a, b) => a - b))
    }
  }
}

type GroupStep =
  | { readonly do: 'send'; readonly partition: number; readonly count: number }
  | { readonly do: 'join' }
  | { readonly do: 'leave' | 'crash'; readonly reader: number }
  | { readonly do: 'freeze' | 'thaw'; readonly reader: number }
  | { readonly do: 'pause' | 'resume'; readonly reader: number }
  | { readonly do: 'kill' }
  | { readonly do: 'wait'; readonly ms: number }

const reader = fc.nat(3)

const groupStep: fc.Arbitrary<GroupStep> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      partition: fc.nat(PARTITIONS - 1),
      count: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ do: 'join' as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const), reader }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const), reader }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('freeze' as const, 'thaw'), reader }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('pause' as const, 'resume'), reader }) },
  { weight: 1, arbitrary: fc.constant({ do: 'kill' as const }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(8_000) }) },
)

/** Steps after which a message may come again: somebody was gone before it could commit. */
const MAY_REPEAT = ['crash', 'freeze', 'kill']

interface Member {
  readonly tab: Tab
  readonly reader: Reader
  state: 'there' | 'frozen' | 'gone'
}

/** A tab that stands still for long while it joins is told that it could not, and tries again. */
async function runUntilItDoes(reader: Reader): Promise<void> {
  for (;;) {
    try {
      await reader.run()
      return
    } catch (error) {
      if (!(error instanceof TabmqError && error.retriable)) throw error
    }
  }
}

describe('a group', () => {
  test('handles every message, and each once unless a tab or the broker died', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.constantFrom(0, 3, 40),
        fc.array(groupStep, { minLength: 5, maxLength: 30 }),
        async (seed, handlerMs, steps) => {
          const context = new ClientContext({ seed })
          await context.topic('orders', PARTITIONS)
          const members: Member[] = []
          const join = async () => {
            const tab = context.tab()
            const reader = new Reader(tab, {
              sessionTimeoutMs: 4_000,
              run: { partitionsConsumedConcurrently: 2 },
              onMessage: () =>
                new Promise<void>((resolve) => {
                  tab.setTimer(handlerMs, resolve)
                }),
            })
            await reader.subscribe()
            void runUntilItDoes(reader)
            members.push({ tab, reader, state: 'there' })
          }
          let sent = 0
          for (const step of steps) {
            const member = 'reader' in step ? members[step.reader] : undefined
            switch (step.do) {
              case 'send':
                await produce(context, range(step.count, sent), { partition: step.partition })
                sent += step.count
                break
              case 'join':
                await join()
                break
              case 'leave':
                if (member?.state !== 'there') break
                member.state = 'gone'
                await context.done(member.reader.consumer.disconnect())
                break
              case 'crash':
                member?.tab.crash()
                if (member !== undefined) member.state = 'gone'
                break
              case 'freeze':
                if (member?.state !== 'there') break
                member.state = 'frozen'
                member.tab.freeze()
                break
              case 'thaw':
                if (member?.state !== 'frozen') break
                member.state = 'there'
                member.tab.thaw()
                break
              case 'pause':
              case 'resume':
                if (member?.state === 'there')
                  member.reader.consumer[step.do]([{ topic: 'orders' }])
                break
              case 'kill':
                context.kill()
                break
              default:
                await context.advance(step.ms)
            }
          }
          for (const { tab, reader, state } of members) {
            if (state === 'frozen') tab.thaw()
            if (state !== 'gone') reader.consumer.resume([{ topic: 'orders' }])
          }
          await join()
          const handled = () => members.flatMap(({ reader }) => reader.values)
          await context.until(() => new Set(handled()).size === sent)
          await context.advance(20_000)
          if (!steps.some((step) => MAY_REPEAT.includes(step.do))) {
            expect(handled()).toHaveLength(sent)
          }
          for (const { reader } of members) {
            expect(reader.mostAtOncePerPartition).toBeLessThanOrEqual(1)
            expect(reader.eventsOf('crash')).toEqual([])
          }
          const [group] = await context.done(context.admin.describeGroups(['g']))
          expect(group?.state).toBe('stable')
          expect(group?.offsets.map(({ lag }) => lag)).toEqual(range(PARTITIONS).map(() => 0))
          await context.check()
        },
      ),
      { numRuns: 60 },
    )
  })
})
