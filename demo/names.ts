/** What the demo calls its things, on the broker and in the browser's storage. */

export const BROKER = 'demo'
export const TOPIC = 'rows'
export const GROUP = 'workers'
export const PARTITIONS = 6

/** Reads the same topic, and is not checked. */
export const SECOND_GROUP = 'auditors'
/** Where a handler puts what it cannot handle, once it is told to. */
export const DEAD_ROWS = 'rows.dead'
/** A message with this header cannot be handled. */
export const POISON_HEADER = 'poison'

export const OUTBOX = 'outbox'
export const UPLINK_GROUP = 'uplink'

export const JOBS = 'jobs'
export const DEAD_JOBS = 'jobs.dead'
export const JOB_GROUP = 'job-workers'

export const EXCHANGE = 'events'
/** The queues of the exchange, and the routing key that each is bound by. */
export const EXCHANGE_QUEUES: Readonly<Record<string, string>> = {
  'events.orders': 'order.#',
  'events.europe': '*.eu.*',
  'events.all': '#',
}

/** Each message carries the id of the topic that it was sent to. */
export const TOPIC_ID_HEADER = 'topic-id'

/** The database of the checker. The broker has its own and knows nothing of this one. */
export const LEDGER_DATABASE = 'tabmq-demo-ledger'

/** Begins the entry, and the lock, of each tab that is there. */
export const PRESENT = 'tabmq-demo-present:'
