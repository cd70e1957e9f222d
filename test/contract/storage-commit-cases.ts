/** What a commit writes, in which order, and that it is all or nothing. */
import type { DurableRecord } from '../../src/broker/records.js'
import type { StorageCase } from './storage-context.js'
import { checkEqual, checkRejects } from './check.js'
import {
  batchBytes,
  batchEdge,
  batchesDeleted,
  batchRecord,
  commit,
  comparable,
  detachedBatch,
  groupRecord,
  groupRow,
  logEdges,
  offsetRecord,
  offsetRow,
  partitionRecord,
  partitionRow,
  producerRecord,
  producerRow,
  repeatingProducerRecord,
  repeatingProducerRow,
  read,
  exchangeRecord,
  exchangeRow,
  bindingRecord,
  bindingRow,
  publisherRecord,
  publisherRow,
  shareGroupRecord,
  shareGroupRow,
  sharePartitionRecord,
  sharePartitionRow,
  topicRecord,
  topicRow,
} from './storage-rows.js'

export const COMMIT_CASES: readonly StorageCase[] = [
  {
    name: 'finds every kind of record after it was opened again',
    async run({ openLoaded, storedState }) {
      const storage = await openLoaded()
      await commit(storage, ONE_OF_EACH)
      await storage.close()
      checkEqual(comparable(await storedState()), STATE_OF_ONE_OF_EACH, 'the state')
      const again = await openLoaded()
      checkEqual(await read(again, 1, 0), [batchBytes(1, 0), batchBytes(1, 4)], 'the batches')
    },
  },
  {
    name: 'commits with either durability',
    async run({ openLoaded, storedState }) {
      const storage = await openLoaded()
      await commit(storage, [topicRecord('a', 1), batchRecord(1, 0)], 'strict')
      await commit(storage, [topicRecord('b', 2), batchRecord(1, 1)], 'relaxed')
      await commit(storage, [topicRecord('c', 3), batchRecord(1, 2)], 'strict')
      checkEqual((await read(storage, 1, 0)).length, 3, 'how many batches')
      checkEqual((await storedState()).topics.length, 3, 'how many topics')
    },
  },
  {
    name: 'deletes the row of a null value and no other',
    async run({ openLoaded, storedState }) {
      const storage = await openLoaded()
      await commit(storage, [
        ...['a', 'b'].flatMap((id) => [topicRecord(id, 1), groupRecord(id, 1)]),
        ...[1, 2].map((id) => partitionRecord(id, id)),
        ...[1, 2].flatMap((id) => [producerRecord(id, 1, 1), producerRecord(id, 2, 2)]),
        ...['a', 'b'].flatMap((id) => [offsetRecord(id, 1, 1), offsetRecord(id, 2, 2)]),
        ...['a', 'b'].flatMap((id) => [shareGroupRecord(id, 1), sharePartitionRecord(id, 2, 2)]),
        ...['a', 'b'].flatMap((id) => [
          exchangeRecord(id, 1),
          bindingRecord(id, 2, 2),
          publisherRecord(id, 3, 3),
        ]),
        batchRecord(2, 0),
      ])
      await commit(storage, [
        topicRecord('a', null),
        groupRecord('b', null),
        partitionRecord(2, null),
        producerRecord(1, 2, null),
        offsetRecord('b', 1, null),
        shareGroupRecord('b', null),
        sharePartitionRecord('a', 2, null),
        exchangeRecord('b', null),
        bindingRecord('b', 2, null),
        publisherRecord('a', 3, null),
        topicRecord('never there', null),
      ])
      const expected = {
        topics: [['b', topicRow(1)]],
        groups: [['a', groupRow(1)]],
        partitions: [[1, partitionRow(1)]],
        producers: [
          [1, 1, producerRow(1)],
          [2, 1, producerRow(1)],
          [2, 2, producerRow(2)],
        ],
        offsets: [
          ['a', 1, offsetRow(1)],
          ['a', 2, offsetRow(2)],
          ['b', 2, offsetRow(2)],
        ],
        shareGroups: [['a', shareGroupRow(1)]],
        sharePartitions: [['b', 2, sharePartitionRow(2)]],
        exchanges: [['a', exchangeRow(1)]],
        bindings: [['a', 2, bindingRow(2)]],
        publishers: [['b', 3, publisherRow(3)]],
        nextPartitionId: 1,
        edges: [],
      }
      checkEqual(await read(storage, 2, 0), [batchBytes(2, 0)], 'the batches of the partition')
      checkEqual(comparable(await storedState()), expected, 'the state')
    },
  },
  {
    name: 'applies the records of a commit in their order',
    async run({ openLoaded, storedState }) {
      const storage = await openLoaded()
      await commit(storage, [topicRecord('put', 1), batchRecord(1, 3), batchRecord(2, 3)])
      await commit(storage, [
        ...[null, 2, 3].map((value) => topicRecord('put', value)),
        ...[4, null].map((value) => topicRecord('deleted', value)),
        batchesDeleted(1, 10),
        batchRecord(1, 3, 40),
        batchRecord(2, 4),
        batchesDeleted(2, 5),
      ])
      checkEqual(await read(storage, 1, 0), [batchBytes(1, 3, 40)], 'deleted, then put')
      checkEqual(await read(storage, 2, 0), [], 'put, then deleted')
      checkEqual((await storedState()).topics, [['put', topicRow(3)]], 'the topics')
    },
  },
  {
    name: 'leaves nothing of a commit that failed, wherever in it that was',
    async run({ backend, openLoaded, storedState }) {
      const storage = await openLoaded()
      await commit(storage, ONE_OF_EACH)
      const rest = [
        topicRecord('a', 9),
        topicRecord('new', 9),
        partitionRecord(1, null),
        batchesDeleted(1, 100),
        batchRecord(1, 200),
        offsetRecord('g', 1, 99),
        { type: 'nextPartitionId', value: 99 } as const,
      ]
      for (const unstorable of [...backend.unstorable(), detachedBatch(1, 300)]) {
        for (const at of [0, 3, rest.length]) {
          const records = [...rest.slice(0, at), unstorable, ...rest.slice(at)]
          await checkRejects(commit(storage, records), `the commit, failing at ${at}`)
        }
      }
      checkEqual(await read(storage, 1, 0), [batchBytes(1, 0), batchBytes(1, 4)], 'the batches')
      await commit(storage, [])
      checkEqual(comparable(await storedState()), STATE_OF_ONE_OF_EACH, 'the state')
    },
  },
  {
    name: 'commits on after one that failed',
    async run({ backend, openLoaded, storedState }) {
      const storage = await openLoaded()
      const failing = backend.unstorable().map((record) => commit(storage, [record]))
      const good = commit(storage, [topicRecord('a', 1)])
      await Promise.all(failing.map((promise) => checkRejects(promise, 'the commit')))
      await good
      await commit(storage, [topicRecord('b', 2)])
      checkEqual((await storedState()).topics.length, 2, 'how many topics')
    },
  },
  {
    name: 'keeps the order of commits that were not waited for',
    async run({ openLoaded, storedState }) {
      const storage = await openLoaded()
      const completed: number[] = []
      const commits = Array.from({ length: 60 }, async (_, value) => {
        // Stores that do not overlap could otherwise run side by side.
        const record = value % 2 === 0 ? offsetRecord('g', 1, value) : batchRecord(1, value)
        await commit(storage, [record], value % 7 === 0 ? 'strict' : 'relaxed')
        completed.push(value)
      })
      await Promise.all(commits)
      checkEqual(
        completed,
        commits.map((_, value) => value),
        'the order of completion',
      )
      checkEqual((await read(storage, 1, 0)).length, 30, 'how many batches')
      checkEqual((await storedState()).offsets, [['g', 1, offsetRow(58)]], 'the offset')
    },
  },
  {
    name: 'deletes batches below the bound, of that partition only',
    async run({ openLoaded }) {
      const storage = await openLoaded()
      const offsets = [0, 1, 5, 10]
      const partitions = [1, 2, 3, 10, 11, 20]
      await commit(
        storage,
        partitions.flatMap((id) => offsets.map((baseOffset) => batchRecord(id, baseOffset))),
      )
      const left = new Map(partitions.map((id) => [id, offsets]))
      const deletions = [
        [2, 0],
        [2, 5],
        [10, 6],
        [3, 11],
        [11, Number.MAX_SAFE_INTEGER],
        [12, 100],
      ] as const
      for (const [id, before] of deletions) {
        await commit(storage, [batchesDeleted(id, before)])
        const rest = (left.get(id) ?? []).filter((baseOffset) => baseOffset >= before)
        left.set(id, rest)
        for (const [each, bases] of left) {
          const expected = bases.map((baseOffset) => batchBytes(each, baseOffset))
          const what = `partition ${each} after deleting before ${before} in ${id}`
          checkEqual(await read(storage, each, 0), expected, what)
        }
      }
    },
  },
  {
    name: 'shares no buffer with who wrote, who reads or who loads',
    async run({ openLoaded }) {
      const storage = await openLoaded()
      const batch = batchBytes(1, 0)
      const record = { ...batchRecord(1, 0), batch } as DurableRecord
      await commit(storage, [partitionRecord(1, 1), record])
      new Uint8Array(batch).fill(255)
      for (const buffer of await read(storage, 1, 0)) new Uint8Array(buffer).fill(254)
      for (const { first, last } of (await storage.load()).edges) {
        new Uint8Array(first.header).fill(253)
        checkEqual(last, batchEdge(1, 0), 'the last batch')
        structuredClone(last.header, { transfer: [last.header] })
      }
      checkEqual(await read(storage, 1, 0), [batchBytes(1, 0)], 'the batches')
      checkEqual((await storage.load()).edges[0]?.first, batchEdge(1, 0), 'the first batch')
    },
  },
  {
    name: 'stores a batch of 4 MB',
    async run({ openLoaded, storedState }) {
      const byteLength = 4 * 1024 * 1024
      const storage = await openLoaded()
      await commit(storage, [partitionRecord(1, 1), batchRecord(1, 0, byteLength)])
      checkEqual(await read(storage, 1, 0), [batchBytes(1, 0, byteLength)], 'the batches')
      checkEqual((await storedState()).edges[0]?.last.byteLength, byteLength, 'its length')
    },
  },
  {
    name: 'commits thousands of records at once',
    async run({ openLoaded, storedState }) {
      const storage = await openLoaded()
      const count = 3_000
      const values = Array.from({ length: count }, (_, value) => value)
      await commit(
        storage,
        values.flatMap((value) => [batchRecord(1, value), offsetRecord('g', value, value)]),
      )
      checkEqual((await read(storage, 1, 0)).length, count, 'how many batches')
      checkEqual((await storedState()).offsets.length, count, 'how many offsets')
    },
  },
  {
    name: 'tells apart ids that look alike',
    async run({ openLoaded, storedState }) {
      const storage = await openLoaded()
      const ids = ['a', 'A', 'a ', 'a\0', 'a,1', 'é', 'é'.normalize('NFD'), '\uD800', '😀', '1']
      await commit(
        storage,
        ids.flatMap((id, index) => [groupRecord(id, index), offsetRecord(id, 1, index)]),
      )
      const { groups, offsets } = await storedState()
      checkEqual(groups.length, ids.length, 'how many groups')
      const found = new Map(offsets.map(([id, , row]) => [id as string, row.offset]))
      checkEqual(
        ids.map((id) => found.get(id)),
        ids.map((_, index) => index),
        'the offsets',
      )
    },
  },
  {
    name: 'stores what a producer was told of repeats, beside others and over them',
    async run({ openLoaded, storedState }) {
      const storage = await openLoaded()
      await commit(storage, [producerRecord(1, 1, 1), producerRecord(1, 2, 2)])
      await commit(storage, [repeatingProducerRecord(1, 1, 3), producerRecord(1, 3, 3)])
      await commit(storage, [producerRecord(1, 2, 4), repeatingProducerRecord(1, 2, 5)])
      await commit(storage, [repeatingProducerRecord(1, 3, 6), producerRecord(1, 3, 7)])
      const { producers } = await storedState()
      checkEqual(
        producers,
        [
          [1, 1, repeatingProducerRow(3)],
          [1, 2, repeatingProducerRow(5)],
          [1, 3, producerRow(7)],
        ],
        'the producers',
      )
    },
  },
  {
    name: 'stores the largest numbers there are',
    async run({ openLoaded, storedState }) {
      const storage = await openLoaded()
      const largest = Number.MAX_SAFE_INTEGER
      const row = { offset: largest, committedAtMs: largest }
      await commit(storage, [
        producerRecord(1, 2 ** 48 - 1, 7),
        batchRecord(1, largest - 1),
        { ...offsetRecord('g', 1, 0), value: row } as DurableRecord,
      ])
      checkEqual(await read(storage, 1, largest), [batchBytes(1, largest - 1)], 'the batches')
      const state = await storedState()
      checkEqual(state.offsets, [['g', 1, row]], 'the offsets')
      checkEqual(state.producers, [[1, 2 ** 48 - 1, producerRow(7)]], 'the producers')
    },
  },
]

const ONE_OF_EACH: readonly DurableRecord[] = [
  topicRecord('a', 1),
  partitionRecord(1, 1),
  { type: 'nextPartitionId', value: 8 },
  batchRecord(1, 0),
  batchRecord(1, 4),
  producerRecord(1, 77, 3),
  groupRecord('g', 4),
  offsetRecord('g', 1, 5),
  shareGroupRecord('s', 6),
  sharePartitionRecord('s', 1, 7),
  exchangeRecord('e', 8),
  bindingRecord('e', 1, 9),
  publisherRecord('e', 4, 10),
]

const STATE_OF_ONE_OF_EACH = {
  nextPartitionId: 8,
  topics: [['a', topicRow(1)]],
  partitions: [[1, partitionRow(1)]],
  producers: [[1, 77, producerRow(3)]],
  groups: [['g', groupRow(4)]],
  offsets: [['g', 1, offsetRow(5)]],
  shareGroups: [['s', shareGroupRow(6)]],
  sharePartitions: [['s', 1, sharePartitionRow(7)]],
  exchanges: [['e', exchangeRow(8)]],
  bindings: [['e', 1, bindingRow(9)]],
  publishers: [['e', 4, publisherRow(10)]],
  edges: [logEdges(1, batchEdge(1, 0), batchEdge(1, 4), [0, 4])],
}
