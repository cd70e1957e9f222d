/**
 * The auditor: what every reply may be, worked out from the requests, the replies and the durable
 * transactions alone, without a line of the broker's code. Where a reply rests on more than one moment
 * (a request waits, a transaction is on its way) anything counts that was true in between; where the
 * auditor cannot know, it says nothing; where it can, what does not fit is a bug of the broker, or of
 * the auditor, and both are worth knowing.
 */
import type { WireError } from '../../../src/protocol/errors.js'
import type { ApiName, ResponseOf } from '../../../src/protocol/requests/request.js'
import type { Checker, CheckerParts, Exchange, SimEvent } from '../history.js'
import { isOfFaults, type Answered, type Asked, type AuditParts } from './audit.js'
import { DurableHistory } from './durable-history.js'
import { GroupsAudit } from './groups-audit.js'
import { LogAudit } from './log-audit.js'
import { MembershipAudit, type MemberApi } from './membership-audit.js'
import { OffsetsAudit } from './offsets-audit.js'
import { ProduceAudit } from './produce-audit.js'
import { StoresAudit } from './stores-audit.js'
import { TopicsAudit, type TopicApi } from './topics-audit.js'

/** APIs whose successful replies the auditor has no model of, and why. Their errors it knows. */
export const NOT_MODELLED: Partial<Readonly<Record<ApiName, string>>> = {
  declareExchange: 'what it leads to is the routing checker’s',
  bind: 'what it leads to is the routing checker’s',
  unbind: 'what it leads to is the routing checker’s',
  publish: 'where it went is the routing checker’s',
  describeCluster: 'it says of the broker itself what no transaction shows',
  watch: 'it shows the state as decided, some of which may never be durable',
  unwatch: 'it says nothing',
  joinShareGroup: 'it says nothing',
  leaveShareGroup: 'it says nothing',
  shareFetch: 'the checkers of share groups look at every delivery',
  shareAcknowledge: 'and at everything that took effect',
  describeShareGroups: 'it shows locks, of which no transaction tells',
}

/** Who is a member no transaction tells: after a restart, or when its tab was left behind, nobody is. */
const SHARE_APIS: ReadonlySet<ApiName> = new Set<ApiName>([
  'leaveShareGroup',
  'shareFetch',
  'shareAcknowledge',
])

const MEMBER_APIS: ReadonlySet<ApiName> = new Set<MemberApi>([
  'groupHeartbeat',
  'leaveGroup',
  'commitOffsets',
  'startOffsets',
])

const TOPIC_APIS: ReadonlySet<ApiName> = new Set<TopicApi>([
  'metadata',
  'createTopics',
  'createPartitions',
  'deleteTopics',
  'alterConfigs',
])

export class Auditor implements Checker {
  readonly name = 'auditor'
  readonly #parts: CheckerParts
  readonly #durable: DurableHistory
  readonly #produce: ProduceAudit
  readonly #log: LogAudit
  readonly #topics: TopicsAudit
  readonly #offsets: OffsetsAudit
  readonly #groups: GroupsAudit
  readonly #stores: StoresAudit
  readonly #membership: MembershipAudit
  /** Of each API, what a successful reply may say. */
  readonly #audits: { readonly [A in ApiName]?: (answered: Answered<A>) => void }
  readonly #asked = new WeakMap<Exchange, Asked>()
  #requestCount = 0
  /** The broker that started last. */
  #newest: string | undefined
  /** The version of the durable history when each broker started. */
  readonly #startedAt = new Map<string, number>()

  constructor(parts: CheckerParts) {
    this.#parts = parts
    this.#durable = new DurableHistory(parts.log)
    const shared: AuditParts = {
      durable: this.#durable,
      nowMs: parts.nowMs,
      report: (exchange, message) => this.#report(exchange, message),
    }
    this.#produce = new ProduceAudit(shared)
    this.#log = new LogAudit(shared)
    this.#topics = new TopicsAudit(shared)
    this.#offsets = new OffsetsAudit(shared)
    this.#groups = new GroupsAudit(shared)
    this.#stores = new StoresAudit(shared)
    this.#membership = new MembershipAudit(shared)
    this.#audits = this.#allAudits()
  }

  on(event: SimEvent): void {
    switch (event.type) {
      case 'requested':
        return this.#requested(event)
      case 'replied':
        return this.#replied(event)
      case 'durable':
        return this.#durable.apply(event.records)
      case 'powerCut':
        this.#durable.restore(this.#parts.journal)
        this.#log.forgetStarts(this.#requestCount)
        return this.#membership.everythingDied()
      case 'brokerStarted':
        this.#newest = event.incarnation
        this.#startedAt.set(event.incarnation, this.#durable.version)
        this.#durable.acknowledgeAll()
        return this.#membership.brokerStarted(event.incarnation)
      case 'commitFailed':
        this.#log.forgetStarts(this.#requestCount)
        if (event.isForSpace) return this.#membership.brokerMayReload(event.incarnation)
        return this.#membership.brokerReloads(event.incarnation)
      case 'greeted':
        return this.#membership.greeted(event.greeting)
      case 'sessionEnded':
        return this.#membership.sessionEnded(event.greeting)
      case 'clockJumped':
        return this.#membership.clockJumped(event.byMs)
      case 'rest':
        return this.#log.atRest((message) => this.#parts.report(message), this.#newest)
      default:
    }
  }

  #allAudits(): { readonly [A in ApiName]?: (answered: Answered<A>) => void } {
    return {
      metadata: (one) => this.#topics.metadata(one),
      createTopics: (one) => this.#topics.created(one),
      deleteTopics: (one) => this.#topics.deleted(one),
      createPartitions: (one) => this.#topics.partitionsCreated(one),
      alterConfigs: (one) => this.#topics.altered(one),
      produce: (one) => this.#produce.answered(one),
      fetch: (one) => this.#log.fetched(one),
      listOffsets: (one) => this.#log.listed(one),
      deleteRecords: (one) => this.#log.deleted(one),
      groupHeartbeat: (one) => this.#membership.beaten(one),
      leaveGroup: (one) => this.#membership.left(one),
      commitOffsets: (one) => {
        this.#membership.accepted(one)
        this.#offsets.committed(one)
        this.#stores.committed(one)
      },
      fetchOffsets: (one) => this.#offsets.fetched(one),
      startOffsets: (one) => {
        this.#membership.accepted(one)
        this.#offsets.started(one)
      },
      listGroups: (one) => this.#groups.listed(one),
      describeGroups: (one) => this.#groups.described(one),
      deleteGroups: (one) => this.#groups.deleted(one),
      storeRead: (one) => this.#stores.read(one),
      storeWrite: (one) => this.#stores.written(one),
    }
  }

  #requested({ exchange, request }: Extract<SimEvent, { type: 'requested' }>): void {
    this.#requestCount += 1
    const { version } = this.#durable
    const order = this.#requestCount
    const asked: Asked = { exchange, request, version, order, atMs: this.#parts.nowMs() }
    this.#asked.set(exchange, asked)
    if (is(asked, 'produce')) this.#produce.asked(asked)
    else if (isOfMember(asked)) this.#membership.asked(asked)
  }

  #replied({ exchange, reply }: Extract<SimEvent, { type: 'replied' }>): void {
    const asked = this.#asked.get(exchange)
    if (asked === undefined) return
    this.#asked.delete(exchange)
    const isSuperseded = this.#newest !== exchange.incarnation
    const startedAt = this.#startedAt.get(exchange.incarnation) ?? 0
    const trueSince = isSuperseded ? startedAt : asked.version
    if (!reply.ok) {
      // What it refuses for, too.
      if (!this.#isJustified({ ...asked, version: trueSince }, reply.error)) {
        this.#report(exchange, `${reply.error.code} ${reply.error.message}`)
      }
      return
    }
    const response = reply.value as ResponseOf<ApiName>
    this.#answered({ ...asked, response, isSuperseded, trueSince })
  }

  #isJustified(asked: Asked, error: WireError): boolean {
    if (isOfMember(asked)) {
      const isTrue = this.#membership.isJustified(asked, error)
      return isTrue || (is(asked, 'commitOffsets') && this.#offsets.isJustified(asked, error))
    }
    if (isOfTopics(asked)) return this.#topics.isJustified(asked, error)
    if (is(asked, 'describeGroups') || is(asked, 'deleteGroups')) {
      return this.#groups.isJustified(asked, error)
    }
    if (SHARE_APIS.has(asked.request.api) && error.code === 'UNKNOWN_MEMBER_ID') return true
    return isOfFaults(error) || isOfExchanges(asked, error)
  }

  #answered(answered: Answered<ApiName>): void {
    const { api } = answered.request
    const audit = this.#audits[api] as ((one: Answered<ApiName>) => void) | undefined
    if (audit !== undefined) audit(answered)
    else if (NOT_MODELLED[api] === undefined) throw new Error(`the auditor has no model of ${api}`)
  }

  #report({ tab }: Exchange, message: string): void {
    this.#parts.report(`${tab}: ${message}`)
  }
}

function is<A extends ApiName>(asked: Asked, api: A): asked is Asked<A> {
  return asked.request.api === api
}

/** What is there is not modelled: a power cut, or another tab, may have taken it. */
function isOfExchanges({ request }: Asked, { code }: WireError): boolean {
  const isBinding = request.api === 'bind' || request.api === 'unbind'
  if (code === 'UNKNOWN_EXCHANGE') return isBinding || request.api === 'publish'
  return isBinding && code === 'UNKNOWN_TOPIC_OR_PARTITION'
}

function isOfMember(asked: Asked): asked is Asked<MemberApi> {
  return MEMBER_APIS.has(asked.request.api)
}

function isOfTopics(asked: Asked): asked is Asked<TopicApi> {
  return TOPIC_APIS.has(asked.request.api)
}
