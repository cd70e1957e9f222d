import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { faultsIn, LedgerCount } from '../../demo/ledger/ledger-count.js'
import type { CrashRow, HandledRow, LedgerRow, SentRow } from '../../demo/ledger/ledger-row.js'

const base = { epoch: 'topic', tab: 1 }

function sent(partition: number, baseOffset: number, numbers: number[]): SentRow {
  const run = `run-${partition}`
  return { ...base, kind: 'sent', atMs: 0, run, shares: [{ partition, baseOffset, numbers }] }
}

interface Handling {
  readonly atMs?: number
  readonly tab?: number
  readonly run?: string
  readonly ids?: readonly string[]
  readonly keys?: readonly (string | null)[]
  readonly sinceMs?: number
}

function handled(partition: number, offsets: number[], options: Handling = {}): HandledRow {
  const own = offsets.map((offset) => `run-${partition}.${offset}`)
  const { atMs = 1, tab = 1, ids = own, run = `tab-${tab}`, ...rest } = options
  return { ...base, kind: 'handled', partition, offsets, ids, atMs, tab, run, ...rest }
}

function crash(run: string, tab: number): CrashRow {
  return { ...base, kind: 'crash', atMs: 9, tab, run }
}

function counted(rows: readonly LedgerRow[], committed: Readonly<Record<number, number>> = {}) {
  const count = new LedgerCount()
  for (const row of rows) count.apply(row)
  const offsets = new Map(Object.entries(committed).map(([key, value]) => [Number(key), value]))
  return { counts: count.counts(offsets), findings: count.findings(offsets), count }
}

const nothingWrong = { lost: 0, twice: 0, outOfOrder: 0, mixedUp: 0 }

describe('the ledger count', () => {
  it('counts what was sent and not handled as waiting', () => {
    const { counts } = counted([sent(0, 0, [0, 1, 2]), sent(3, 0, [3]), handled(0, [0])])
    expect(counts).toMatchObject({
      sent: 4,
      handled: 1,
      waiting: 3,
      unconfirmed: 0,
      ...nothingWrong,
    })
  })

  it('finds nothing wrong when the acknowledgement is written down after the handling', () => {
    const before = counted([handled(0, [0, 1])])
    expect(before.counts).toMatchObject({ sent: 0, handled: 0, waiting: 0, unconfirmed: 2 })
    const { counts } = counted([handled(0, [0, 1]), sent(0, 0, [0, 1])])
    expect(counts).toMatchObject({ sent: 2, handled: 2, unconfirmed: 0, ...nothingWrong })
  })

  it('counts as lost what the group has gone past, and only that', () => {
    const rows = [sent(2, 0, [0, 1, 2, 3]), handled(2, [0]), handled(2, [2])]
    expect(counted(rows, { 2: 1 }).counts).toMatchObject({ lost: 0, waiting: 2 })
    const { counts, findings } = counted(rows, { 2: 3 })
    expect(counts).toMatchObject({ sent: 4, handled: 2, lost: 1, waiting: 1 })
    expect(findings).toEqual([
      expect.objectContaining({ what: 'lost', partition: 2, firstOffset: 1, lastOffset: 1 }),
    ])
  })

  it('takes back a loss that turns out to be none', () => {
    const { count } = counted([sent(0, 0, [0, 1]), handled(0, [1])])
    expect(count.counts(new Map([[0, 2]])).lost).toBe(1)
    count.apply(handled(0, [0], { atMs: 0 }))
    expect(count.counts(new Map([[0, 2]]))).toMatchObject({ handled: 2, ...nothingWrong })
  })

  it('counts every repetition as handled twice and names who did it', () => {
    const rows = [
      sent(1, 0, [0]),
      handled(1, [0]),
      handled(1, [0], { tab: 2, atMs: 2 }),
      handled(1, [0], { tab: 3, atMs: 3 }),
    ]
    const { counts, findings } = counted(rows)
    expect(counts).toMatchObject({ handled: 1, twice: 2, outOfOrder: 0 })
    expect(findings.map(({ tab }) => tab)).toEqual([2, 3])
  })

  it('names neighbours that were handled again as one range per partition and tab', () => {
    const again = { tab: 2, atMs: 2 }
    const rows = [
      handled(0, [0, 1, 2, 3, 4]),
      handled(1, [0, 1]),
      handled(0, [1, 2], again),
      handled(1, [0, 1], again),
      handled(0, [3], again),
    ]
    const { counts, findings } = counted(rows)
    expect(counts).toMatchObject({ twice: 5, afterCrash: 0 })
    const twice = { what: 'twice', tab: 2, crashedTab: undefined }
    expect(findings).toEqual([
      expect.objectContaining({ ...twice, partition: 0, firstOffset: 1, lastOffset: 3 }),
      expect.objectContaining({ ...twice, partition: 1, firstOffset: 0, lastOffset: 1 }),
    ])
  })

  it('explains by a crash what another tab handled again, whenever it hears of the crash', () => {
    const rows: LedgerRow[] = [
      handled(0, [0, 1, 2], { tab: 3, run: 'gone' }),
      handled(0, [1, 2, 3], { tab: 1, atMs: 2 }),
      crash('gone', 3),
    ]
    for (const order of [rows, [rows[2], rows[0], rows[1]].filter((row) => row !== undefined)]) {
      const { counts, findings } = counted(order)
      expect(counts).toMatchObject({ twice: 2, afterCrash: 2, outOfOrder: 0 })
      expect(faultsIn(counts)).toBe(0)
      expect(findings).toEqual([expect.objectContaining({ what: 'twice', crashedTab: 3 })])
    }
  })

  it('explains nothing else by a crash', () => {
    const gone = { tab: 3, run: 'gone' }
    const by = (tab: number, atMs: number) => ({ tab, atMs })
    const wrong: LedgerRow[][] = [
      // The tab repeated it itself, before it crashed.
      [handled(0, [0], gone), handled(0, [0], { ...gone, atMs: 2 })],
      // The one that had handled it has not crashed.
      [handled(1, [0], gone), handled(0, [0], by(1, 2)), handled(0, [0], by(2, 3))],
      // It was handled once more after the one that a crash explains.
      [handled(0, [0], gone), handled(0, [0], by(1, 2)), handled(0, [0], by(2, 3))],
      // The same message at another place: it was sent twice.
      [handled(0, [0], { ...gone, ids: ['run.1'] }), handled(0, [1], { atMs: 2, ids: ['run.1'] })],
      [sent(0, 0, [0, 1]), handled(0, [1], gone), handled(0, [0], by(1, 2))],
    ]
    for (const rows of wrong) {
      expect(faultsIn(counted([...rows, crash('gone', 3)]).counts)).toBe(1)
    }
  })

  it('explains the repetition of a repetition by the second crash', () => {
    const rows = [
      handled(0, [0, 1], { tab: 2, run: 'a' }),
      handled(0, [0, 1], { tab: 3, run: 'b', atMs: 2 }),
      handled(0, [0, 1], { tab: 1, atMs: 3 }),
      crash('a', 2),
      crash('b', 3),
    ]
    expect(counted(rows).counts).toMatchObject({ handled: 0, twice: 4, afterCrash: 4 })
  })

  it('finds a message that is in the log twice by its id', () => {
    const rows = [sent(0, 0, [7]), handled(0, [0, 1], { ids: ['run.7', 'run.7'] })]
    expect(counted(rows).counts).toMatchObject({ twice: 1, unconfirmed: 1 })
  })

  it('finds another message than the one that was acknowledged at the place', () => {
    const rows = [sent(0, 0, [7, 8]), handled(0, [0, 1], { ids: ['run.8', 'run.7'] })]
    expect(counted(rows).counts).toMatchObject({ handled: 2, mixedUp: 2 })
    expect(counted(rows.toReversed()).counts).toMatchObject({ handled: 2, mixedUp: 2 })
  })

  it('finds what was handled after something later, within a row and over rows', () => {
    const first = [sent(0, 0, [0, 1, 2, 3])]
    expect(counted([...first, handled(0, [0, 2, 1])]).counts).toMatchObject({ outOfOrder: 1 })
    const late = handled(0, [1], { atMs: 9 })
    expect(counted([...first, handled(0, [0, 2, 3]), late]).counts).toMatchObject({ outOfOrder: 1 })
  })

  it('does not mind a row that only reached the ledger late', () => {
    const rows = [handled(0, [2, 3], { atMs: 5, tab: 2 }), handled(0, [0, 1], { atMs: 4, tab: 1 })]
    expect(counted(rows).counts).toMatchObject(nothingWrong)
  })

  it('keeps partitions apart', () => {
    const rows = [handled(0, [5]), handled(1, [0], { atMs: 2 }), handled(1, [5], { atMs: 3 })]
    expect(counted(rows).counts).toMatchObject(nothingWrong)
  })

  it('says how much each tab has handled', () => {
    const { count } = counted([handled(0, [0, 1]), handled(1, [0], { tab: 2 })])
    expect([...count.handledByTab]).toEqual([
      [1, 2],
      [2, 1],
    ])
  })

  it('starts again at a replay, and still knows what was sent', () => {
    const ids = ['run.0', 'run.1']
    const all = handled(0, [0, 1], { ids })
    const replay: LedgerRow = { ...base, kind: 'replay', atMs: 5, from: [] }
    const { count } = counted([sent(0, 0, [0, 1]), all, handled(0, [0], { atMs: 2 }), replay])
    expect(count.counts(new Map([[0, 0]]))).toMatchObject({ sent: 2, waiting: 2, ...nothingWrong })
    count.apply({ ...all, atMs: 9 })
    expect(count.counts(new Map([[0, 2]]))).toMatchObject({ handled: 2, ...nothingWrong })
  })

  it('explains what came again by the death of a broker in between, and nothing else', () => {
    const began = (startedAtMs: number): LedgerRow => ({
      ...base,
      kind: 'broker',
      atMs: startedAtMs,
      startedAtMs,
    })
    const rows = [
      sent(0, 0, [0, 1, 2, 3]),
      handled(0, [0, 1, 2], { atMs: 10_000 }),
      handled(0, [1, 2, 3], { atMs: 20_000 }),
    ]
    const explained = { twice: 2, afterBroker: 2, afterCrash: 0, lost: 0 }
    expect(counted([...rows, began(15_000)]).counts).toMatchObject(explained)
    expect(counted([began(15_000), began(15_000), ...rows]).counts).toMatchObject(explained)
    expect(counted([...rows, began(15_000)]).count.findings(new Map())).toMatchObject([
      { what: 'twice', firstOffset: 1, lastOffset: 2, brokerDied: true },
    ])
    for (const startedAtMs of [5_000, 25_000]) {
      const unexplained = { twice: 2, afterBroker: 0 }
      expect(counted([...rows, began(startedAtMs)]).counts).toMatchObject(unexplained)
    }
    expect(counted(rows).counts).toMatchObject({ twice: 2, afterBroker: 0 })
  })

  it('passes over what lies before the place that a group is set to, and expects the rest again', () => {
    const rows: LedgerRow[] = [
      sent(0, 0, [0, 1, 2, 3]),
      handled(0, [0]),
      { ...base, kind: 'replay', atMs: 5, from: [2] },
    ]
    const { count } = counted(rows)
    const passed = { sent: 4, handled: 1, passed: 1, waiting: 2, ...nothingWrong }
    expect(count.counts(new Map([[0, 2]]))).toMatchObject(passed)
    count.apply(handled(0, [2, 3], { atMs: 9 }))
    expect(count.counts(new Map([[0, 4]]))).toMatchObject({ ...passed, handled: 3, waiting: 0 })
    expect(count.spansOf(0)).toMatchObject([
      { first: 0, last: 0 },
      { first: 2, last: 3 },
    ])
    count.apply({ ...base, kind: 'replay', atMs: 12, from: [] })
    expect(count.counts(new Map([[0, 0]]))).toMatchObject({ sent: 4, waiting: 4, passed: 0 })
  })

  it('explains what came again by a group that was set back from elsewhere', () => {
    const back = (atMs: number): LedgerRow => ({
      ...base,
      kind: 'setBack',
      atMs,
      partition: 0,
      offset: 1,
    })
    const rows = [
      sent(0, 0, [0, 1, 2]),
      handled(0, [0, 1, 2], { atMs: 10_000 }),
      handled(0, [1, 2], { atMs: 20_000 }),
    ]
    expect(counted([...rows, back(15_000)]).counts).toMatchObject({ twice: 2, afterSetBack: 2 })
    expect(faultsIn(counted([...rows, back(20_100), back(20_200)]).counts)).toBe(0)
    expect(counted([...rows, back(15_000)]).findings).toMatchObject([{ wasSetBack: true }])
    for (const atMs of [5_000, 25_000]) {
      expect(counted([...rows, back(atMs)]).counts).toMatchObject({ twice: 2, afterSetBack: 0 })
    }
    const before = handled(0, [0], { atMs: 21_000 })
    expect(faultsIn(counted([...rows, before, back(15_000)]).counts)).toBe(1)
  })

  describe('when retention deletes', () => {
    const deleted = (from: number, until: number): LedgerRow => ({
      ...base,
      kind: 'deleted',
      atMs: 5,
      partition: 0,
      from,
      until,
    })
    const all = sent(0, 0, [0, 1, 2, 3, 4, 5])

    it('what nobody had handled is expired and not lost', () => {
      const { counts } = counted([all, handled(0, [0, 1]), deleted(2, 4)], { 0: 4 })
      expect(counts).toMatchObject({ handled: 2, expired: 2, waiting: 2, ...nothingWrong })
    })

    it('the order of rows does not matter', () => {
      const rows = [deleted(2, 4), deleted(2, 4), all, handled(0, [0, 1])]
      expect(counted(rows, { 0: 4 }).counts).toMatchObject({ expired: 2, waiting: 2, lost: 0 })
      const late = handled(0, [2], { atMs: 1 })
      expect(counted([...rows, late], { 0: 4 }).counts).toMatchObject({ handled: 3, expired: 1 })
    })

    it('an always full log is cut a little further all the time, and that stays one stretch', () => {
      const count = new LedgerCount()
      count.apply(all)
      for (let until = 1; until <= 1_000; until++) count.apply(deleted(until - 1, until))
      expect(count.state.partitions.get(0)?.expiredSpans).toEqual([[0, 1_000]])
      expect(count.counts(new Map())).toMatchObject({ expired: 6, waiting: 0, lost: 0 })
    })

    it('what was lost before stays lost', () => {
      const { counts } = counted([all, handled(0, [1]), deleted(2, 4)], { 0: 4 })
      expect(counts).toMatchObject({ lost: 1, expired: 2 })
    })

    it('a group that is set back to where the log begins has nothing to handle in front of it', () => {
      const again: LedgerRow = { ...base, kind: 'replay', atMs: 9, from: [3] }
      const rows = [all, handled(0, [0, 1, 2, 3, 4, 5]), again, handled(0, [3, 4, 5], { atMs: 12 })]
      expect(counted(rows, { 0: 6 }).counts).toMatchObject({ handled: 6, ...nothingWrong })
      const late = [all, handled(0, [0]), deleted(1, 3), again]
      expect(counted(late, { 0: 3 }).counts).toMatchObject({ expired: 2, waiting: 3, lost: 0 })
    })
  })

  it('passes over what a group at rest was set on past', () => {
    const on: LedgerRow = { ...base, kind: 'setOn', atMs: 5, partition: 0, from: 1, until: 3 }
    const rows = [sent(0, 0, [0, 1, 2, 3]), handled(0, [0]), on]
    const { counts, count } = counted(rows, { 0: 3 })
    expect(counts).toMatchObject({ handled: 1, passed: 2, waiting: 1, ...nothingWrong })
    count.apply(handled(0, [1], { atMs: 9 }))
    expect(count.counts(new Map([[0, 3]]))).toMatchObject({ handled: 2, passed: 1, lost: 0 })
  })

  it('counts what others sent apart, also behind a reset', () => {
    const ids = ['', 'run-0.1', '']
    const rows = [sent(0, 1, [1]), handled(0, [0, 1, 2], { ids })]
    const { count } = counted(rows)
    count.apply({ ...base, kind: 'replay', atMs: 5, from: [2] })
    expect(count.counts(new Map())).toMatchObject({ handled: 1, foreign: 1, unconfirmed: 0 })
    count.apply(handled(0, [2], { ids: [''], atMs: 9 }))
    expect(count.counts(new Map())).toMatchObject({ foreign: 2, unconfirmed: 0 })
  })

  it('counts anew what each tab has handled, from the beginning of what there is', () => {
    const all = handled(0, [0, 1, 2])
    const again: LedgerRow = { ...base, kind: 'replay', atMs: 5, from: [1], isWhole: true }
    const { count } = counted([all, again, handled(0, [1, 2], { atMs: 9 })])
    expect([...count.handledByTab]).toEqual([[1, 2]])
  })

  it('counts what others sent apart', () => {
    const rows = [sent(0, 0, [0]), handled(0, [0, 1], { ids: ['run-0.0', ''] })]
    const { counts } = counted(rows, { 0: 2 })
    expect(counts).toMatchObject({ sent: 1, handled: 1, foreign: 1, unconfirmed: 0 })
    expect(faultsIn(counts)).toBe(0)
  })

  describe('with keys, as partitions were added', () => {
    const overtaken = (older: Handling, younger: Handling) => {
      const { counts, findings } = counted([
        handled(7, [0], { ids: ['run.5'], keys: ['k'], atMs: 100, ...younger }),
        handled(0, [9], { ids: ['run.4'], keys: ['k'], atMs: 200, sinceMs: 20, ...older }),
      ])
      const { outOfOrder, afterGrowth } = counts
      return { outOfOrder, afterGrowth, what: findings.map(({ what }) => what) }
    }

    it('counts what was handled after a younger one of its key, elsewhere', () => {
      expect(overtaken({}, {})).toEqual({ outOfOrder: 1, afterGrowth: 1, what: ['overtaken'] })
    })

    it.each<[string, Handling, Handling]>([
      ['of another key', { keys: ['l'] }, {}],
      ['without a key', { keys: [null] }, { keys: [null] }],
      ['of another sender', { ids: ['other.4'] }, {}],
      ['younger still', { ids: ['run.6'] }, {}],
      ['perhaps handled before', { atMs: 105 }, {}],
    ])('but not what is %s', (_, older, younger) => {
      expect(overtaken(older, younger)).toEqual({ outOfOrder: 0, afterGrowth: 0, what: [] })
    })

    it('begins anew with a group that is set back', () => {
      const rows: LedgerRow[] = [
        handled(7, [0], { ids: ['run.5'], keys: ['k'], atMs: 100 }),
        { ...base, kind: 'replay', atMs: 150, from: [] },
        handled(0, [9], { ids: ['run.4'], keys: ['k'], atMs: 200 }),
      ]
      expect(counted(rows).counts).toMatchObject({ outOfOrder: 0, afterGrowth: 0 })
    })
  })

  it('goes on from its state as if it had never stopped', () => {
    const offset = fc.nat(12)
    const at = fc.nat(3_000)
    const rows = fc.oneof(
      fc.record({ from: offset, length: fc.nat(4) }).map(({ from, length }): LedgerRow => {
        return sent(
          from % 2,
          from,
          Array.from({ length }, (_, index) => from + index),
        )
      }),
      fc
        .record({ partition: fc.nat(1), offsets: fc.array(offset), tab: fc.nat(3), atMs: at })
        .map(({ partition, offsets, tab, atMs }): LedgerRow => {
          return handled(partition, offsets, {
            tab,
            atMs,
            keys: offsets.map((one) => `k${one % 2}`),
          })
        }),
      fc.record({ from: fc.array(offset, { maxLength: 2 }), atMs: at }).map((own): LedgerRow => {
        return { ...base, kind: 'replay', ...own }
      }),
      fc.nat(3).map((tab): LedgerRow => crash(`tab-${tab}`, tab)),
      at.map((atMs): LedgerRow => ({ ...base, kind: 'broker', atMs, startedAtMs: atMs })),
      fc.record({ offset, atMs: at }).map((own): LedgerRow => {
        return { ...base, kind: 'setBack', partition: 0, ...own }
      }),
      fc.record({ from: offset, until: offset, atMs: at }).map((own): LedgerRow => {
        return { ...base, kind: 'deleted', partition: 0, ...own }
      }),
      fc.record({ from: offset, until: offset, atMs: at }).map((own): LedgerRow => {
        return { ...base, kind: 'setOn', partition: 0, ...own }
      }),
    )
    const all = (count: LedgerCount, committed: number) => ({
      counts: count.counts(new Map([[0, committed]])),
      findings: count.findings(new Map([[0, committed]])),
      byTab: [...count.handledByTab],
      spans: [count.spansOf(0), count.spansOf(1)],
    })
    fc.assert(
      fc.property(fc.array(rows), fc.array(rows), offset, (before, after, committed) => {
        const { count } = counted(before)
        const again = LedgerCount.from(structuredClone(count.state))
        expect(all(again, committed)).toEqual(all(count, committed))
        for (const row of after) {
          count.apply(row)
          again.apply(row)
        }
        expect(all(again, committed)).toEqual(all(count, committed))
      }),
    )
  })

  it('always accounts for everything that was sent', () => {
    const offsets = fc.uniqueArray(fc.nat(60), { maxLength: 40 })
    fc.assert(
      fc.property(fc.nat(60), offsets, fc.nat(70), (length, offsets, committed) => {
        const numbers = Array.from({ length }, (_, index) => index)
        const rows = [sent(0, 0, numbers), handled(0, offsets)]
        const { counts } = counted(rows, { 0: committed })
        const missing = numbers.filter((offset) => !offsets.includes(offset))
        expect(counts.handled + counts.waiting + counts.lost).toBe(counts.sent)
        expect(counts.lost).toBe(missing.filter((offset) => offset < committed).length)
        expect(counts.unconfirmed).toBe(offsets.filter((offset) => offset >= length).length)
      }),
    )
  })
})
