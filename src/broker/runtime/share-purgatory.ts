/**
 * Fetches of share groups that wait for messages. What becomes deliverable is handed out to all that
 * wait in a group at once, so that each gets its part. A group is looked at by an event: a new fetch, an
 * append, a release, a lock or a delay that is over; one look at a time, and once more when something
 * happened meanwhile. What was taken for a fetch that is over by then is given back.
 */
import { TabmqError } from '../../protocol/errors.js'
import type { BrokerLimits } from '../../protocol/limits.js'
import type { GroupId, MemberId, PartitionId, SessionId } from '../../protocol/names.js'
import type { RequestOf, ResponseOf } from '../../protocol/requests/request.js'
import type { Acknowledgement, SharedPartition } from '../../protocol/requests/share-groups.js'
import { deferred, type Deferred } from '../../std/deferred.js'
import type { Logger, Timer } from '../ports.js'
import type { Decision, DecisionContext } from '../records.js'
import type { Granted, GrantedPartition, ShareCoordinator } from '../share/share-coordinator.js'
import type { ShareReader } from './share-reader.js'

type ShareFetch = RequestOf<'shareFetch'>
type ShareFetchResponse = ResponseOf<'shareFetch'>

export interface SharePurgatoryOptions {
  readonly shares: () => ShareCoordinator
  readonly reader: ShareReader
  readonly timer: Timer
  readonly logger: Logger
  readonly limits: BrokerLimits
  readonly context: () => DecisionContext
  readonly apply: <R>(decision: Decision<R>) => Promise<R>
}

interface WaitingFetch {
  readonly sessionId: SessionId
  readonly request: ShareFetch
  readonly answer: Deferred<ShareFetchResponse>
  isOver: boolean
  /** Something was taken for it, and is being written or read. */
  isServed: boolean
  cancelTimer: () => void
}

type LockTerms = Omit<ShareFetchResponse, 'partitions'>

/** One group's fetches, by member. */
interface Desk {
  readonly waiting: Map<MemberId, WaitingFetch>
  /** The look under way, and those that follow from what happened meanwhile. */
  looking: Promise<void> | undefined
  lookAgain: boolean
}

export class SharePurgatory {
  readonly #options: SharePurgatoryOptions
  readonly #desks = new Map<GroupId, Desk>()

  constructor(options: SharePurgatoryOptions) {
    this.#options = options
  }

  get size(): number {
    let size = 0
    for (const { waiting } of this.#desks.values()) size += waiting.size
    return size
  }

  /** @throws TabmqError UNKNOWN_MEMBER_ID */
  fetch(sessionId: SessionId, request: ShareFetch): Promise<ShareFetchResponse> {
    const { groupId, memberId, maxWaitMs } = request
    const { timer } = this.#options
    this.#options.shares().memberOrThrow(groupId, memberId)
    const desk = this.#desks.get(groupId) ?? newDesk()
    this.#desks.set(groupId, desk)
    const older = desk.waiting.get(memberId)
    // One that only calls off leaves alone what was already taken; a new one means that nobody waits
    // for the older any more, and what was taken for that goes back.
    const callsOff = request.maxRecords === 0
    if (older !== undefined && !(callsOff && older.isServed)) this.#answer(older, [])
    if (callsOff) return Promise.resolve(NOTHING)
    const waiting: WaitingFetch = {
      sessionId,
      request,
      answer: deferred(),
      isOver: false,
      isServed: false,
      cancelTimer: () => {},
    }
    desk.waiting.set(memberId, waiting)
    const looked = this.#look(groupId, desk)
    if (maxWaitMs > 0) {
      waiting.cancelTimer = timer.schedule(maxWaitMs, () => this.#giveUp(waiting))
    } else {
      void looked.then(() => this.#giveUp(waiting))
    }
    return waiting.answer.promise
  }

  /** Messages became readable. */
  partitionsAppended(partitionIds: Iterable<PartitionId>): void {
    if (this.#desks.size === 0) return
    const shares = this.#options.shares()
    const appended = new Set(partitionIds)
    for (const groupId of this.#desks.keys()) {
      if (shares.readsAny(groupId, appended)) this.groupChanged(groupId)
    }
  }

  /** Something else may be deliverable now. */
  groupChanged(groupId: GroupId): void {
    const desk = this.#desks.get(groupId)
    if (desk !== undefined) void this.#look(groupId, desk)
  }

  /** The state was loaded again: nobody is a member any more, and each has to join again. */
  everythingChanged(): void {
    for (const waiting of this.#all()) {
      const { groupId, memberId } = waiting.request
      this.#reject(
        waiting,
        new TabmqError('UNKNOWN_MEMBER_ID', 'the broker has loaded its state again: join again', {
          groupId,
          memberId,
        }),
      )
    }
  }

  sessionEnded(sessionId: SessionId): void {
    for (const waiting of this.#all()) {
      if (waiting.sessionId === sessionId) this.#answer(waiting, [])
    }
  }

  close(): void {
    for (const waiting of this.#all()) this.#answer(waiting, [])
  }

  #all(): WaitingFetch[] {
    return [...this.#desks.values()].flatMap((desk) => [...desk.waiting.values()])
  }

  /** Resolves when it has looked, or another look that took in what there is now. */
  #look(groupId: GroupId, desk: Desk): Promise<void> {
    if (desk.looking === undefined) desk.looking = this.#lookAll(groupId, desk)
    else desk.lookAgain = true
    return desk.looking
  }

  async #lookAll(groupId: GroupId, desk: Desk): Promise<void> {
    // Nothing is done before whoever asked knows that it looks.
    await Promise.resolve()
    try {
      do {
        desk.lookAgain = false
        await this.#handOut(groupId, desk)
      } while (desk.lookAgain && desk.waiting.size > 0)
    } catch (error) {
      for (const waiting of desk.waiting.values()) this.#reject(waiting, error)
    } finally {
      desk.looking = undefined
      if (desk.waiting.size === 0) this.#desks.delete(groupId)
    }
  }

  async #handOut(groupId: GroupId, desk: Desk): Promise<void> {
    const { reader, shares, context, apply } = this.#options
    const wanted = takersOf(desk)
    const first = wanted.at(0)
    if (first === undefined) return
    const maxRecords = wanted.reduce((sum, { request }) => sum + request.maxRecords, 0)
    const maxBytes = wanted.reduce((sum, { request }) => sum + request.maxBytes, 0)
    await reader.see(groupId, { whose: first.sessionId, maxRecords, maxBytes })
    // Whoever came or went meanwhile.
    const takers = takersOf(desk)
    if (takers.length === 0) return
    const members = takers.map(({ request: { memberId, maxRecords: max } }) => ({
      memberId,
      maxRecords: max,
    }))
    const { lockDurationMs } = shares().optionsOf(groupId)
    const lock = { acquiredAtMs: context().nowMs, lockDurationMs }
    const decision = shares().acquire(groupId, members, context())
    const served = new Map<Granted, WaitingFetch>()
    for (const granted of decision.response) {
      const waiting = desk.waiting.get(granted.memberId)
      if (waiting === undefined) continue
      waiting.isServed = true
      served.set(granted, waiting)
    }
    if (decision.records.length === 0) return
    // Not before the delivery counts are on the disk: what kills everything is not to come for ever.
    await apply(decision)
    for (const [granted, waiting] of served) void this.#deliver(waiting, granted, lock)
    // What was put aside (expired, void) made room for what comes behind it.
    if (takersOf(desk).length > 0) desk.lookAgain = true
  }

  async #deliver(waiting: WaitingFetch, granted: Granted, lock: LockTerms): Promise<void> {
    const { reader, logger } = this.#options
    const { maxBytes, kept } = waiting.request
    const giveBack: Acknowledgement[] = []
    try {
      const isMoot = () => waiting.isOver
      const terms = { whose: waiting.sessionId, maxBytes, kept, isMoot }
      const read = await reader.read(granted, terms)
      giveBack.push(...read.leftOut)
      if (waiting.isOver) giveBack.push(...read.partitions.flatMap(returned))
      else this.#answer(waiting, read.partitions, lock)
    } catch (error) {
      if (!(error instanceof TabmqError)) logger.error('a delivery failed', error)
      this.#reject(waiting, error)
      giveBack.push(...granted.partitions.flatMap(returned))
    }
    if (giveBack.length > 0) await this.#giveBack(waiting, giveBack)
  }

  async #giveBack({ request }: WaitingFetch, acknowledgements: Acknowledgement[]): Promise<void> {
    const { shares, context, apply, logger } = this.#options
    const { groupId, memberId } = request
    try {
      const asked = { groupId, memberId, acknowledgements }
      await apply(shares().acknowledge({ api: 'shareAcknowledge', ...asked }, context()))
    } catch (error) {
      // With its member gone it has been released already; else its lock runs out.
      if (!(error instanceof TabmqError)) logger.error('messages could not be given back', error)
    }
  }

  /** Its time is up: what is being taken for it still comes. */
  #giveUp(waiting: WaitingFetch): void {
    if (!waiting.isServed) this.#answer(waiting, [])
  }

  #answer(
    waiting: WaitingFetch,
    partitions: readonly SharedPartition[],
    lock: LockTerms = NOTHING,
  ): void {
    if (waiting.isOver) return
    this.#remove(waiting)
    waiting.answer.resolve({ ...lock, partitions })
  }

  #reject(waiting: WaitingFetch, error: unknown): void {
    if (waiting.isOver) return
    this.#remove(waiting)
    waiting.answer.reject(error)
  }

  #remove(waiting: WaitingFetch): void {
    const { groupId, memberId } = waiting.request
    waiting.isOver = true
    waiting.cancelTimer()
    const desk = this.#desks.get(groupId)
    if (desk?.waiting.get(memberId) === waiting) desk.waiting.delete(memberId)
    if (desk?.waiting.size === 0 && desk.looking === undefined) this.#desks.delete(groupId)
  }
}

const NOTHING: ShareFetchResponse = { acquiredAtMs: 0, lockDurationMs: 0, partitions: [] }

function newDesk(): Desk {
  return { waiting: new Map(), looking: undefined, lookAgain: false }
}

function takersOf({ waiting }: Desk): WaitingFetch[] {
  return [...waiting.values()].filter(({ isServed }) => !isServed)
}

function returned({ partitionId, acquired }: GrantedPartition): Acknowledgement[] {
  return acquired.map((range) => ({ ...range, partitionId, type: 'return' }))
}
