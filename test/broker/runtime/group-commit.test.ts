import { describe, expect, it } from 'vitest'
import { GroupCommit, type Urgency } from '../../../src/broker/runtime/group-commit.js'
import { MemoryDatabase } from '../../../src/broker/runtime/memory-storage.js'
import type { DurableRecord } from '../../../src/broker/records.js'
import { TabmqError } from '../../../src/protocol/errors.js'
import { BROKER_LIMITS } from '../../../src/protocol/limits.js'
import type { PartitionId } from '../../../src/protocol/names.js'
import { placedBatch } from '../batches.js'
import { ControlledStorage } from '../controlled-storage.js'
import { allDone, FakeTime } from '../fake-time.js'

/** A record that is easily told from others. */
const numbered = (value: number): DurableRecord => ({ type: 'nextPartitionId', value })

const sized = (baseOffset: number, bytes: number): DurableRecord => ({
  type: 'batch',
  partitionId: 1 as PartitionId,
  baseOffset,
  batch: placedBatch({ bytes }, { baseOffset }),
})

class CommitContext {
  readonly storage = new ControlledStorage(new MemoryDatabase())
  readonly time = new FakeTime()
  readonly commit: GroupCommit
  readonly failures: unknown[] = []
  /** What happened, in its order. */
  readonly events: string[] = []
  onCommitted: (() => void) | undefined

  constructor(transactionBytesMax = BROKER_LIMITS.transactionBytesMax) {
    void this.storage.load()
    this.commit = new GroupCommit({
      storage: this.storage,
      limits: { ...BROKER_LIMITS, transactionBytesMax, commitLingerMs: 10 },
      timer: this.time,
      onCommitted: (records) => {
        this.events.push(`committed ${records.length}`)
        this.onCommitted?.()
      },
      onBatchesRejected: (stays) => this.events.push(`took batches back, ${stays.length} stay`),
      onFailed: (error) => this.failures.push(error),
    })
  }

  /** Adds one record; when that is answered is an event. */
  add(value: number, urgency: Urgency = 'relaxed'): void {
    this.note(`${value}`, this.commit.add([numbered(value)], urgency))
  }

  note(what: string, promise: Promise<void>): void {
    promise.then(
      () => this.events.push(`${what} durable`),
      (error: unknown) => this.events.push(`${what} failed: ${(error as Error).message}`),
    )
  }

  /** The values of each transaction so far. */
  transactions(): unknown[][] {
    return this.storage.commits.map(({ records }) =>
      records.map((record) => ('value' in record ? record.value : record.type)),
    )
  }
}

describe('group commit', () => {
  it('writes at once when nothing is under way', async () => {
    const context = new CommitContext()
    context.add(1)
    expect(context.transactions()).toEqual([[1]])
    await allDone()
    expect(context.events).toEqual(['committed 1', '1 durable'])
  })

  it('puts what is decided during a transaction into the next one, in its order', async () => {
    const context = new CommitContext()
    context.storage.hold()
    for (const value of [1, 2, 3]) context.add(value)
    await allDone()
    expect(context.transactions()).toEqual([[1]])
    context.storage.releaseOne()
    await allDone()
    context.add(4)
    expect(context.transactions()).toEqual([[1], [2, 3]])
    expect(context.events).toEqual(['committed 1', '1 durable'])
    context.storage.release()
    await allDone()
    expect(context.transactions()).toEqual([[1], [2, 3], [4]])
    expect(context.events.slice(2)).toEqual([
      'committed 2',
      '2 durable',
      '3 durable',
      'committed 1',
      '4 durable',
    ])
  })

  it('lets a reader wait for everything decided so far, and for nothing later', async () => {
    const context = new CommitContext()
    context.note('nothing', context.commit.settled({ withBatches: true }))
    context.storage.hold()
    context.add(1)
    context.note('first', context.commit.settled({ withBatches: true }))
    context.add(2)
    context.note('second', context.commit.settled({ withBatches: true }))
    await allDone()
    expect(context.events).toEqual(['nothing durable'])
    context.storage.releaseOne()
    await allDone()
    expect(context.events.slice(1)).toEqual(['committed 1', '1 durable', 'first durable'])
    context.storage.release()
    await allDone()
    expect(context.events.slice(4)).toEqual(['committed 1', '2 durable', 'second durable'])
  })

  it('makes a transaction strict when one of those who wait for it asked for it', async () => {
    const context = new CommitContext()
    context.storage.hold()
    context.add(1)
    context.add(2)
    context.add(3, 'strict')
    context.storage.release()
    await allDone()
    context.add(4)
    await allDone()
    const seen = context.storage.commits.map(({ durability }) => durability)
    expect(seen).toEqual(['relaxed', 'strict', 'relaxed'])
  })

  it('lets what lingers wait for something to go with, in its order', async () => {
    const context = new CommitContext()
    context.add(1, 'lingering')
    await context.time.advance(9)
    expect(context.transactions()).toEqual([])
    context.add(2)
    expect(context.transactions()).toEqual([[1, 2]])
    await context.time.advance(20)
    expect(context.events).toEqual(['committed 2', '1 durable', '2 durable'])
    expect(context.time.pending).toBe(0)
  })

  it('writes what lingers once its time is over, with what has come to it', async () => {
    const context = new CommitContext()
    context.add(1, 'lingering')
    await context.time.advance(6)
    context.add(2, 'lingering')
    await context.time.advance(4)
    expect(context.transactions()).toEqual([[1, 2]])
    expect(context.events).toEqual(['committed 2', '1 durable', '2 durable'])
  })

  it('lets what comes during a transaction linger after it, if nothing else came', async () => {
    const context = new CommitContext()
    context.storage.hold()
    context.add(1)
    context.add(2, 'lingering')
    context.storage.release()
    await context.time.advance(9)
    expect(context.transactions()).toEqual([[1]])
    await context.time.advance(1)
    expect(context.transactions()).toEqual([[1], [2]])
  })

  it('writes what is due during a transaction right after it, lingering or not', async () => {
    const context = new CommitContext()
    context.storage.hold()
    context.add(1)
    context.add(2, 'lingering')
    await context.time.advance(10)
    context.add(3, 'lingering')
    context.storage.release()
    await allDone()
    expect(context.transactions()).toEqual([[1], [2, 3]])
  })

  it('does not let a reader wait for what lingers', async () => {
    const context = new CommitContext()
    context.add(1, 'lingering')
    context.note('reader', context.commit.settled({ withBatches: false }))
    await allDone()
    expect(context.events).toEqual(['committed 1', '1 durable', 'reader durable'])
  })

  it('lets what comes after a full disk linger no longer than what comes before', async () => {
    const context = new CommitContext()
    context.storage.failCommits(new TabmqError('STORAGE_FULL', 'no room'))
    context.note('batch', context.commit.add([sized(0, 300)], 'relaxed'))
    await allDone()
    context.add(1, 'lingering')
    await context.time.advance(10)
    expect(context.events).toEqual([
      'took batches back, 0 stay',
      'batch failed: no room',
      'committed 1',
      '1 durable',
    ])
  })

  it('rejects what lingers with the rest when it is abandoned', async () => {
    const context = new CommitContext()
    context.add(1, 'lingering')
    await context.commit.abandon(new Error('a bug'))
    await context.time.advance(20)
    expect(context.events).toEqual(['1 failed: a bug'])
    expect(context.transactions()).toEqual([])
  })

  it('splits what waits by bytes, never one decision, and keeps the order', async () => {
    const context = new CommitContext(1_000)
    context.storage.hold()
    context.add(0)
    const sizes = [300, 300, 300, 5_000, 100]
    sizes.forEach((bytes, offset) => void context.commit.add([sized(offset, bytes)], 'relaxed'))
    context.storage.release()
    await allDone()
    const offsets = context.storage.commits.map(({ records }) =>
      records.flatMap((record) => (record.type === 'batch' ? [record.baseOffset] : [])),
    )
    expect(offsets).toEqual([[], [0, 1], [2], [3], [4]])
  })

  it('rejects all that was decided since when a transaction fails, and says so once', async () => {
    const context = new CommitContext()
    context.storage.hold()
    for (const value of [1, 2, 3]) context.add(value)
    context.note('reader', context.commit.settled({ withBatches: true }))
    const full = new Error('full')
    context.storage.failCommits(full)
    context.storage.release()
    await allDone()
    expect(context.events).toEqual(['1', '2', '3', 'reader'].map((what) => `${what} failed: full`))
    expect(context.failures).toEqual([full])
    expect(context.transactions()).toEqual([[1]])
  })

  it('keeps what was durable before the transaction that failed', async () => {
    const context = new CommitContext()
    context.storage.hold()
    context.add(1)
    context.add(2)
    context.storage.releaseOne()
    await allDone()
    context.storage.failCommits(new Error('full'))
    context.storage.release()
    await allDone()
    expect(context.events).toEqual(['committed 1', '1 durable', '2 failed: full'])
  })

  it('takes nothing more after a failure', async () => {
    const context = new CommitContext()
    context.storage.failCommits(new Error('full'))
    context.add(1)
    await allDone()
    context.add(2)
    context.note('reader', context.commit.settled({ withBatches: true }))
    await allDone()
    const failed = ['1', '2', 'reader'].map((what) => `${what} failed: full`)
    expect(context.events).toEqual(failed)
    expect(context.storage.commits).toHaveLength(1)
  })

  it('can be abandoned: what is under way ends, what waits and what comes is rejected', async () => {
    const context = new CommitContext()
    context.storage.hold()
    context.add(1)
    context.add(2)
    context.note('abandoning', context.commit.abandon(new Error('a bug')))
    context.add(3)
    await allDone()
    expect(context.events).toEqual(['2 failed: a bug', '3 failed: a bug'])
    context.storage.release()
    await allDone()
    expect(context.events.slice(2)).toEqual(['committed 1', '1 durable', 'abandoning durable'])
    expect(context.transactions()).toEqual([[1]])
  })

  it('has one transaction under way, also when somebody decides on hearing of the last', async () => {
    const context = new CommitContext()
    let more = 2
    context.onCommitted = () => {
      context.onCommitted = undefined
      context.storage.hold()
      context.add(more++)
      context.add(more++)
    }
    context.add(1)
    context.add(10)
    await allDone()
    expect(context.transactions()).toEqual([[1], [10, 2, 3]])
    context.storage.release()
    await allDone()
    expect(context.transactions()).toHaveLength(2)
  })

  it('leaves nobody waiting when the owner fails at what was committed', async () => {
    const context = new CommitContext()
    context.onCommitted = () => {
      throw new Error('a bug')
    }
    context.add(1)
    context.add(2)
    await allDone()
    expect(context.events).toEqual(['committed 1', '1 failed: a bug', '2 failed: a bug'])
    expect(context.failures).toHaveLength(1)
  })
})
