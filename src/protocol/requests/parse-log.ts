/** Requests to the logs of partitions, as they come over a port. */
import type { Fields } from '../fields.js'
import { ID_LENGTH_MAX } from '../limits.js'
import type { ParsersOf } from './api.js'
import type { LogApis, OffsetSpec } from './log.js'
import { perPartition } from './parse-partitions.js'

const TIMESTAMPS = { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }

export const LOG_PARSERS: ParsersOf<LogApis> = {
  produce: (fields, limits) => ({
    api: 'produce',
    acks: fields.oneOf('acks', [-1, 0, 1] as const),
    batches: perPartition(fields, 'batches', {
      lengthMax: limits.requestPartitionsMax,
      parse: (batch) => ({
        batch: batch.buffer('batch'),
        ...(batch.has('isRepeat') ? { isRepeat: batch.boolean('isRepeat') } : {}),
      }),
    }),
  }),
  fetch: (fields, limits) => ({
    api: 'fetch',
    fetcherId: fields.string('fetcherId', ID_LENGTH_MAX),
    partitions: perPartition(fields, 'partitions', {
      lengthMax: limits.requestPartitionsMax,
      parse: (wanted) => ({
        offset: wanted.integer('offset'),
        maxBytes: wanted.integer('maxBytes', { min: 1, max: limits.fetchBytesMax }),
      }),
    }),
    maxBytes: fields.integer('maxBytes', { min: 1, max: limits.fetchBytesMax }),
    minBytes: fields.integer('minBytes', { min: 1, max: limits.fetchBytesMax }),
    maxWaitMs: fields.integer('maxWaitMs', { min: 0, max: limits.fetchWaitMsMax }),
  }),
  listOffsets: (fields, limits) => ({
    api: 'listOffsets',
    partitions: perPartition(fields, 'partitions', {
      lengthMax: limits.requestPartitionsMax,
      parse: (wanted) => ({ at: parseOffsetSpec(wanted) }),
    }),
  }),
  deleteRecords: (fields, limits) => ({
    api: 'deleteRecords',
    partitions: perPartition(fields, 'partitions', {
      lengthMax: limits.requestPartitionsMax,
      parse: (wanted) => ({ beforeOffset: wanted.integer('beforeOffset') }),
    }),
  }),
}

function parseOffsetSpec(fields: Fields): OffsetSpec {
  const at = fields.raw('at')
  if (at === 'earliest' || at === 'latest') return at
  return { timestampMs: fields.object('at').integer('timestampMs', TIMESTAMPS) }
}
