/** Stores of keys and values: which entries a read finds, in which order, and when it sees a change. */
import type { StorageCase } from './storage-context.js'
import { check, checkEqual, checkRejects } from './check.js'
import { batchBytes, commit, readStore, storeCleared, storeEntry } from './storage-rows.js'
import type { Storage } from '../../src/broker/ports.js'

const keysOf = async (storage: Storage, ...args: [string, Parameters<typeof readStore>[2]?]) =>
  (await readStore(storage, ...args)).entries.map(([key]) => key)

export const STORE_CASES: readonly StorageCase[] = [
  {
    name: 'finds entries by the order of their code units, in one store alone',
    async run(context) {
      const storage = await context.openLoaded()
      const keys = ['b', 'a', 'ab', 'B', 'ä', '\ud83d\ude00', '\uffff', 'a\u0000', ' ', 'a,b']
      await commit(storage, [
        ...keys.map((key, index) => storeEntry('s', key, index)),
        storeEntry('s,a', 'b', 1),
        storeEntry('t', 'a', 1),
      ])
      checkEqual(await keysOf(storage, 's'), [...keys].sort(), 'all of them')
      checkEqual(await keysOf(storage, 's,a'), ['b'], 'another store')
      checkEqual(await keysOf(storage, 'none'), [], 'one that is not there')
      checkEqual(await keysOf(storage, 's', { from: 'a', to: 'a\0' }), ['a'], 'one key')
      checkEqual(await keysOf(storage, 's', { from: 'a', to: 'a' }), [], 'no key')
      checkEqual(await keysOf(storage, 's', { from: 'b', to: 'a' }), [], 'less than none')
    },
  },
  {
    name: 'sees what was written last, small or large, journaled or written out',
    async run(context) {
      const storage = await context.openLoaded()
      let expected: number | null = null
      for (const [round, byteLength] of [8, 5_000, 8, 8, 5_000, 5_000, 8, 8, 8, 5_000].entries()) {
        expected = round % 4 === 3 ? null : round
        await commit(storage, [storeEntry('s', 'k', expected, byteLength)])
        const { entries } = await readStore(storage, 's')
        const wanted = expected === null ? [] : [['k', batchBytes(expected, 0, byteLength)]]
        checkEqual(entries, wanted, `round ${round}`)
      }
      const again = await context.openLoaded()
      checkEqual((await readStore(again, 's')).entries.length, 1, 'opened again')
    },
  },
  {
    name: 'clears a store, but for what comes after, and no other',
    async run(context) {
      const storage = await context.openLoaded()
      for (const byteLength of [8, 5_000]) {
        await commit(storage, [
          storeEntry('s', 'a', 1, byteLength),
          storeEntry('s', 'b', 1, byteLength),
          storeEntry('s2', 'a', 1, byteLength),
        ])
        await commit(storage, [
          storeEntry('s', 'c', 1, byteLength),
          storeCleared('s'),
          storeEntry('s', 'd', 1, byteLength),
        ])
        checkEqual(await keysOf(storage, 's'), ['d'], `of ${byteLength} bytes`)
        checkEqual(await keysOf(storage, 's2'), ['a'], `another of ${byteLength} bytes`)
      }
      for (let round = 0; round < 5; round++) {
        await commit(storage, [])
        checkEqual(await keysOf(storage, 's'), ['d'], `after ${round} commits`)
      }
      const again = await context.openLoaded()
      checkEqual(await keysOf(again, 's'), ['d'], 'opened again')
      checkEqual([...(await again.load()).stores].sort(), ['s', 's2'], 'the stores')
    },
  },
  {
    name: 'reads pages that follow one another without a gap',
    async run(context) {
      const storage = await context.openLoaded()
      const keys = Array.from({ length: 300 }, (_, index) => String(index).padStart(4, '0'))
      await commit(
        storage,
        keys.map((key, index) => storeEntry('s', key, index, index % 50 === 0 ? 3_000 : 20)),
      )
      // Some of them are gone, or changed, in the journal alone.
      for (const key of ['0002', '0003', '0299', '0100']) {
        await commit(storage, [storeEntry('s', key, null)])
      }
      const left = keys.filter((key) => !['0002', '0003', '0299', '0100'].includes(key))
      for (const limits of [{ limit: 1 }, { limit: 7 }, { maxBytes: 1 }, { maxBytes: 700 }]) {
        const found: string[] = []
        for (let from = '', isMore = true; isMore;) {
          const { entries, hasMore } = await readStore(storage, 's', { ...limits, from })
          check(entries.length > 0 || !hasMore, 'a page without entries is the last')
          found.push(...entries.map(([key]) => key))
          from = `${found.at(-1)}\0`
          isMore = hasMore
        }
        checkEqual(found, left, JSON.stringify(limits))
      }
    },
  },
  {
    name: 'shares no buffer of an entry with anybody',
    async run(context) {
      const storage = await context.openLoaded()
      const entry = storeEntry('s', 'k', 1)
      await commit(storage, [entry])
      const buffer = entry.type === 'storeEntry' ? entry.value : null
      if (buffer !== null) new Uint8Array(buffer).fill(0)
      for (let round = 0; round < 6; round++) {
        const { entries } = await readStore(storage, 's')
        checkEqual(entries, [['k', batchBytes(1, 0, 8)]], `after ${round} commits`)
        for (const [, value] of entries) new Uint8Array(value).fill(0)
        await commit(storage, [])
      }
    },
  },
  {
    name: 'writes nothing of a commit that fails',
    async run(context) {
      const storage = await context.openLoaded()
      await commit(storage, [storeEntry('s', 'a', 1), storeEntry('s', 'b', 1)])
      for (const unstorable of context.backend.unstorable()) {
        const changes = [storeEntry('s', 'a', 2), storeCleared('s'), storeEntry('s', 'c', 1, 5_000)]
        await checkRejects(commit(storage, [...changes, unstorable]), 'the commit')
        const { entries } = await readStore(storage, 's')
        const wanted = ['a', 'b'].map((key) => [key, batchBytes(1, 0, 8)])
        checkEqual(entries, wanted, 'what there was')
      }
    },
  },
  {
    name: 'sees all of a commit that is under way, or nothing of it',
    async run(context) {
      const storage = await context.openLoaded()
      for (let round = 1; round <= 12; round++) {
        // Small and large in turn, so that some of it is journaled and some a row at once.
        const sizes = round % 2 === 0 ? [8, 5_000] : [5_000, 8]
        const changes = ['a', 'b', 'c', 'd'].map((key, index) =>
          storeEntry('s', key, round, sizes[index % 2]),
        )
        const cleared = round % 3 === 0 ? [storeCleared('s')] : []
        const done = commit(storage, [...cleared, ...changes])
        const reads = await Promise.all([readStore(storage, 's'), readStore(storage, 's')])
        for (const { entries } of reads) {
          const rounds = new Set(entries.map(([, value]) => new Uint8Array(value)[0]))
          check(rounds.size <= 1, `round ${round} is seen in part`)
          check(entries.length === 4 || (entries.length === 0 && round === 1), 'all keys')
        }
        await done
        const { entries } = await readStore(storage, 's')
        const seen = entries.map(([, value]) => new Uint8Array(value)[0])
        checkEqual(
          seen,
          [0, 1, 2, 3].map(() => (round * 31) % 251),
          `after round ${round}`,
        )
      }
    },
  },
]
