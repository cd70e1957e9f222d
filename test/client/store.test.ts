/** A store beside the logs: what is put, got, listed and watched, by several tabs and over brokers. */
import { describe, expect, test } from 'vitest'
import { TabmqError } from '../../src/protocol/errors.js'
import type { StoreUpdate } from '../../src/client/store/store-watch.js'
import { codeOf, inContext, type ClientContext, type Tab } from './client-context.js'

const FULL = () => new TabmqError('STORAGE_FULL', 'the disk is full')

describe('a store', () => {
  test(
    'gives what was put to every tab, whatever it is, until it is deleted',
    inContext(async (context) => {
      const store = context.tab().mq.store('s')
      const other = context.tab().mq.store('s')
      const value = { at: new Date(5), of: new Map([['k', new Uint8Array([1, 2])]]), big: 7n }
      await context.done(store.put('a', value))
      expect(await context.done(other.get('a'))).toEqual(value)
      for (const one of [null, '', 0, false]) {
        await context.done(other.put('b', one))
        expect(await context.done(store.get('b'))).toBe(one)
      }
      await context.done(other.delete('a'))
      expect(await context.done(store.get('a'))).toBeUndefined()
      expect(await context.done(context.tab().mq.store('t').get('b'))).toBeUndefined()
    }),
  )

  test(
    'lists entries by prefix, behind a key, as many as are wanted, over pages',
    inContext(
      async (context) => {
        const store = context.tab().mq.store('s')
        const keys = ['a', 'a/1', 'a/2', 'a/\uffff', 'b', 'b\uffff', 'b\uffff1', 'c']
        for (const [index, key] of keys.entries()) await context.done(store.put(key, index))
        const listed = async (options: Parameters<typeof store.entries>[0]) =>
          (await context.done(store.entries(options))).map(([key]) => key)
        expect(await context.done(store.entries())).toEqual(keys.map((key, index) => [key, index]))
        expect(await listed({ prefix: 'a/' })).toEqual(['a/1', 'a/2', 'a/\uffff'])
        expect(await listed({ prefix: 'b\uffff' })).toEqual(['b\uffff', 'b\uffff1'])
        expect(await listed({ after: 'a/2' })).toEqual(keys.slice(3))
        expect(await listed({ prefix: 'a', after: 'a/1', limit: 1 })).toEqual(['a/2'])
        expect(await listed({ prefix: 'b', after: 'a' })).toEqual(['b', 'b\uffff', 'b\uffff1'])
        expect(await listed({ limit: 5 })).toEqual(keys.slice(0, 5))
        await context.done(store.clear())
        expect(await listed({})).toEqual([])
        expect(await context.done(context.admin.listStores())).toEqual([])
      },
      // Two at a time.
      { limits: {} },
    ),
  )

  test(
    'refuses what is no key, no value and no option',
    inContext(async (context) => {
      const { mq } = context.tab()
      const store = mq.store('s')
      const bad = (promise: Promise<unknown>) => codeOf(context.done(promise))
      for (const key of ['', 7, undefined, 'x'.repeat(1_025)] as never[]) {
        expect(await bad(store.get(key))).toBe('INVALID_CONFIG')
        expect(await bad(store.put(key, 1))).toBe('INVALID_CONFIG')
        expect(await bad(store.delete(key))).toBe('INVALID_CONFIG')
      }
      expect(await bad(store.put('k', undefined))).toBe('INVALID_CONFIG')
      expect(await bad(store.put('k', () => {}))).toBe('SERIALIZATION_FAILED')
      expect(await bad(store.put('k', 'x'.repeat(1024 * 1024)))).toBe('MESSAGE_TOO_LARGE')
      expect(await bad(store.entries({ limit: 0 }))).toBe('INVALID_CONFIG')
      expect(await bad(store.entries({ form: 'a' } as never))).toBe('INVALID_CONFIG')
      expect(await bad(store.watch(() => {}, { prefix: 7 } as never))).toBe('INVALID_CONFIG')
      for (const name of ['', 7, 'x'.repeat(256)] as never[]) {
        expect(() => mq.store(name)).toThrow(TabmqError)
      }
      expect(await context.done(store.entries())).toEqual([])
    }),
  )

  test(
    'is put again when the broker dies, and says so when there is no space',
    inContext(async (context) => {
      const tab = context.tab()
      const store = tab.mq.store('s')
      await context.done(store.put('a', 1))
      const held = tab.hold('storeWrite', 'reply')
      const put = store.put('a', 2)
      await context.settle()
      context.kill()
      held.drop()
      await context.done(put)
      expect(await context.done(store.get('a'))).toBe(2)
      context.commitErrors.push(FULL())
      expect(await codeOf(context.done(store.put('a', 3)))).toBe('STORAGE_FULL')
      expect(await context.done(store.get('a'))).toBe(2)
    }),
  )
})

describe('a watch', () => {
  /** What a tab's listener makes of what it is told. */
  async function watching(context: ClientContext, tab: Tab, prefix = '') {
    const updates: StoreUpdate[] = []
    const seen = new Map<string, unknown>()
    const stop = await context.done(
      tab.mq.store('s').watch(
        (update) => {
          updates.push(update)
          if (update.isWhole) seen.clear()
          for (const [key, value] of update.changes) {
            if (value === undefined) seen.delete(key)
            else seen.set(key, value)
          }
        },
        { prefix },
      ),
    )
    return { updates, seen, stop }
  }

  test(
    'tells what there is, and then what changes, until it is ended',
    inContext(async (context) => {
      const store = context.tab().mq.store('s')
      await context.done(store.put('a/1', 1))
      await context.done(store.put('b', 1))
      const { updates, stop } = await watching(context, context.tab(), 'a/')
      expect(updates).toEqual([{ changes: [['a/1', 1]], isWhole: true }])
      await context.done(store.put('b', 2))
      await context.done(store.put('a/2', 2))
      await context.done(store.delete('a/1'))
      await context.settle()
      expect(updates.slice(1)).toEqual([
        { changes: [['a/2', 2]], isWhole: false },
        { changes: [['a/1', undefined]], isWhole: false },
      ])
      stop()
      await context.settle()
      await context.done(store.put('a/1', 3))
      await context.settle()
      expect(updates).toHaveLength(3)
      expect((await context.broker).storeWatches.size).toBe(0)
    }),
  )

  test(
    'shows what there is in the end, over brokers that die and a state that is loaded again',
    inContext(async (context) => {
      const tab = context.tab()
      const writer = context.tab()
      const store = writer.mq.store('s')
      const { seen, updates } = await watching(context, tab)
      for (let round = 0; round < 6; round++) {
        await context.done(store.put(`k${round % 3}`, round))
        if (round % 2 === 0) context.kill()
        else {
          context.commitErrors.push(new TabmqError('STORAGE_ERROR', 'drawn'))
          await context.done(store.put('k', round).catch(() => {}))
        }
        await context.done(store.delete(`k${(round + 1) % 3}`))
      }
      const expected = new Map(await context.done(store.entries()))
      await context.until(() => seen.size === expected.size)
      await context.settle()
      expect(seen).toEqual(expected)
      expect(updates.filter(({ isWhole }) => isWhole).length).toBeGreaterThan(3)
    }),
  )

  test(
    'of a tab that stood still has the last of each key, or all of it anew',
    inContext(
      async (context) => {
        const tab = context.tab()
        const store = context.tab().mq.store('s')
        const { updates, seen } = await watching(context, tab)
        tab.freeze()
        for (let value = 0; value < 5; value++) {
          for (const key of ['a', 'b']) await context.done(store.put(key, value))
        }
        tab.thaw()
        await context.settle()
        expect(updates).toEqual([
          { changes: [], isWhole: true },
          { changes: [['a', 0]], isWhole: false },
          {
            changes: [
              ['b', 4],
              ['a', 4],
            ],
            isWhole: false,
          },
        ])
        tab.freeze()
        for (let key = 0; key < 6; key++) await context.done(store.put(`k${key}`, key))
        tab.thaw()
        await context.until(() => seen.size === 8)
        expect(updates.at(-1)?.isWhole).toBe(true)
      },
      { limits: { storeWatchChangesMax: 3 } },
    ),
  )

  test(
    'that its listener fails is reported, and the next change is told all the same',
    inContext(async (context) => {
      const tab = context.tab()
      const told: boolean[] = []
      await context.done(
        tab.mq.store('s').watch(({ isWhole }) => {
          told.push(isWhole)
          throw new Error('no')
        }),
      )
      await context.done(tab.mq.store('s').put('a', 1))
      await context.settle()
      expect(told).toEqual([true, false])
      expect(tab.takeErrors()).toHaveLength(2)
    }),
  )

  test(
    'that cannot be opened says so',
    inContext(
      async (context) => {
        const { mq } = context.tab()
        await context.done(mq.store('s').watch(() => {}))
        const another = context.done(mq.store('t').watch(() => {}))
        expect(await codeOf(another)).toBe('THROTTLING_QUOTA_EXCEEDED')
        await context.done(mq.close())
        expect(await codeOf(context.done(mq.store('s').watch(() => {})))).toBe('CLIENT_CLOSED')
      },
      { limits: { sessionStoreWatchesMax: 1 } },
    ),
  )
})
