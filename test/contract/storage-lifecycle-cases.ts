/** Loading, the broker epoch and who is fenced by it, closing. */
import type { Storage } from '../../src/broker/ports.js'
import type { StorageCase } from './storage-context.js'
import { check, checkEqual, checkRejects } from './check.js'
import {
  batchEdge,
  batchRecord,
  batchesDeleted,
  comparable,
  commit,
  logEdges,
  offsetRecord,
  partitionRecord,
  read,
  topicRecord,
  topicRow,
} from './storage-rows.js'

export const LIFECYCLE_CASES: readonly StorageCase[] = [
  {
    name: 'finds nothing in a new database',
    async run({ storedState }) {
      const state = await storedState()
      check(Number.isSafeInteger(state.brokerEpoch) && state.brokerEpoch > 0, 'an epoch above zero')
      checkEqual(
        comparable(state),
        {
          nextPartitionId: 1,
          topics: [],
          partitions: [],
          producers: [],
          groups: [],
          offsets: [],
          shareGroups: [],
          sharePartitions: [],
          exchanges: [],
          bindings: [],
          publishers: [],
          edges: [],
        },
        'the state',
      )
    },
  },
  {
    name: 'raises the broker epoch when it loads for the first time, and then keeps it',
    async run({ open, storedState }) {
      const older = await open()
      const { brokerEpoch } = await older.load()
      checkEqual((await older.load()).brokerEpoch, brokerEpoch, 'the epoch when loaded again')
      checkEqual((await storedState()).brokerEpoch, brokerEpoch + 1, 'the epoch of the next')
      checkEqual((await storedState()).brokerEpoch, brokerEpoch + 2, 'the epoch of the one after')
    },
  },
  {
    name: 'goes on after it has loaded again',
    async run({ openLoaded }) {
      const storage = await openLoaded()
      await commit(storage, [topicRecord('a', 1)])
      checkEqual((await storage.load()).topics, [['a', topicRow(1)]], 'the topics')
      await commit(storage, [topicRecord('a', 2)])
      checkEqual((await storage.load()).topics, [['a', topicRow(2)]], 'the topics')
    },
  },
  {
    name: 'refuses to commit before it has loaded',
    async run({ open, storedState }) {
      const storage = await open()
      await checkRejects(commit(storage, [topicRecord('a', 1)]), 'the commit', 'ILLEGAL_STATE')
      checkEqual((await storedState()).topics, [], 'the topics')
    },
  },
  {
    name: 'fences the older of two storages on one database',
    async run({ openLoaded, storedState }) {
      const older = await openLoaded()
      await commit(older, [topicRecord('a', 1)])
      const newer = await openLoaded()
      const late = [topicRecord('a', 2), topicRecord('b', 2), batchRecord(1, 0)]
      await checkRejects(commit(older, late), 'the late commit', 'BROKER_SUPERSEDED')
      await checkRejects(commit(older, []), 'a commit of nothing', 'BROKER_SUPERSEDED')
      checkEqual(await read(newer, 1, 0), [], 'the batches')
      await commit(newer, [topicRecord('c', 3)])
      const topics = [
        ['a', topicRow(1)],
        ['c', topicRow(3)],
      ]
      checkEqual(comparable(await storedState())['topics'], topics, 'the topics')
    },
  },
  {
    name: 'keeps a storage fenced however much others have written since',
    async run({ openLoaded }) {
      const olders: Storage[] = []
      for (const id of ['a', 'b', 'c']) {
        const storage = await openLoaded()
        for (let value = 0; value < 20; value++) {
          await commit(
            storage,
            value % 2 === 0 ? [topicRecord(id, value)] : [batchRecord(1, value)],
          )
          for (const older of olders) {
            await checkRejects(commit(older, []), 'a late commit', 'BROKER_SUPERSEDED')
          }
        }
        olders.push(storage)
      }
    },
  },
  {
    name: 'does not take the database back once it was fenced',
    async run({ openLoaded }) {
      const older = await openLoaded()
      const newer = await openLoaded()
      await checkRejects(older.load(), 'loading again', 'BROKER_SUPERSEDED')
      await checkRejects(commit(older, []), 'a commit after that', 'BROKER_SUPERSEDED')
      await commit(newer, [topicRecord('a', 1)])
    },
  },
  {
    name: 'is not fenced by a storage that was opened and has not loaded',
    async run({ open, openLoaded }) {
      const storage = await openLoaded()
      await open()
      await commit(storage, [topicRecord('a', 1)])
    },
  },
  {
    name: 'lets a commit land before the other loads, or not at all',
    async run({ open, openLoaded }) {
      const older = await openLoaded()
      const newer = await open()
      const commits = Array.from({ length: 5 }, (_, value) =>
        commit(older, [topicRecord(`t${value}`, value)]),
      )
      const loading = newer.load()
      commits.push(commit(older, [topicRecord('t5', 5)]))
      const outcomes = await Promise.allSettled(commits)
      const landed = outcomes.flatMap(({ status }, value) =>
        status === 'fulfilled' ? [[`t${value}`, topicRow(value)]] : [],
      )
      checkEqual(comparable(await loading)['topics'], landed, 'what the newer found')
      checkEqual(comparable(await newer.load())['topics'], landed, 'what is there in the end')
    },
  },
  {
    name: 'knows its database by an id that stays',
    async run({ openLoaded, storedState }) {
      const { databaseId } = await (await openLoaded()).load()
      check(typeof databaseId === 'string' && databaseId.length > 0, 'an id')
      checkEqual((await storedState()).databaseId, databaseId, 'the id that the next finds')
    },
  },
  {
    name: 'is lost for good with its database, and takes no other for it',
    async run({ openLoaded, storedState, destroy }) {
      const storage = await openLoaded()
      await commit(storage, [topicRecord('a', 1), batchRecord(1, 0)])
      const { databaseId } = await storage.load()
      await destroy()
      const allLost = async () => {
        await checkRejects(read(storage, 1, 0), 'readBatches', 'STORAGE_LOST')
        await checkRejects(commit(storage, [topicRecord('b', 1)]), 'commit', 'STORAGE_LOST')
        await checkRejects(storage.load(), 'load', 'STORAGE_LOST')
      }
      await allLost()
      // The next begins with nothing, under the epoch that the lost one had.
      const next = await storedState()
      checkEqual(next.topics, [], 'the topics of the next')
      check(next.databaseId !== databaseId, 'another id')
      await allLost()
      checkEqual((await storedState()).topics, [], 'the topics after all that')
    },
  },
  {
    name: 'tells the headers of the first and last batch of each partition that has any',
    async run({ openLoaded, storedState }) {
      const storage = await openLoaded()
      await commit(storage, [
        ...[1, 2, 3, 4].map((id) => partitionRecord(id, id)),
        batchRecord(1, 0, 30),
        batchRecord(1, 5, 35),
        batchRecord(1, 12, 200),
        batchRecord(3, 7),
        ...[0, 1, 2].map((baseOffset) => batchRecord(4, baseOffset)),
        batchesDeleted(4, 2),
      ])
      const edges = [
        logEdges(1, batchEdge(1, 0, 30), batchEdge(1, 12, 200), [0, 12]),
        logEdges(3, batchEdge(3, 7), batchEdge(3, 7), [7, 7]),
        logEdges(4, batchEdge(4, 2), batchEdge(4, 2), [2, 2]),
      ]
      checkEqual(comparable(await storedState())['edges'], edges, 'the edges')
    },
  },
  {
    name: 'waits for the commits under way when it closes, then rejects everything',
    async run({ openLoaded, storedState }) {
      const storage = await openLoaded()
      let completed = 0
      const commits = [1, 2, 3].map(async (value) => {
        await commit(storage, [offsetRecord('g', 1, value)])
        completed += 1
      })
      await storage.close()
      checkEqual(completed, 3, 'how many commits had completed when it was closed')
      await Promise.all(commits)
      await checkRejects(commit(storage, []), 'commit', 'ILLEGAL_STATE')
      await checkRejects(read(storage, 1, 0), 'readBatches', 'ILLEGAL_STATE')
      await checkRejects(storage.load(), 'load', 'ILLEGAL_STATE')
      await checkRejects(storage.estimate(), 'estimate', 'ILLEGAL_STATE')
      await storage.close()
      checkEqual((await storedState()).offsets[0]?.[2].offset, 3, 'the offset')
    },
  },
  {
    name: 'estimates in bytes, or says that it cannot',
    async run({ openLoaded }) {
      const { usageBytes, quotaBytes, persisted } = await (await openLoaded()).estimate()
      for (const bytes of [usageBytes, quotaBytes]) {
        check(bytes === undefined || (Number.isFinite(bytes) && bytes >= 0), 'bytes or undefined')
      }
      check(persisted === undefined || typeof persisted === 'boolean', 'a boolean or undefined')
    },
  },
]
