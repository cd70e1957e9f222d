import { describe, expect, it } from 'vitest'
import type { DurableRecord } from '../../src/broker/records.js'
import type { KeyedJournalRow, RowRecord } from '../../worker/indexeddb-journal-row.js'
import { Journal } from '../../worker/indexeddb-journal.js'
import { offsetRecord, topicRecord } from '../contract/storage-rows.js'

const offset = (value: number) => offsetRecord('g', 1, value) as RowRecord
const topic = (value: number | null) => topicRecord('t', value) as RowRecord

/** The journal of broker 7, with the rows that it would find on the disk. */
class JournalContext {
  readonly rows: KeyedJournalRow[]
  readonly commitsMax: number
  journal: Journal

  constructor(commitsMax: number, earlier: readonly KeyedJournalRow[] = []) {
    this.rows = [...earlier]
    this.commitsMax = commitsMax
    this.journal = this.load()
  }

  load(): Journal {
    this.journal = new Journal(
      { epoch: 7, commitsMax: this.commitsMax, batchBytesMax: 4_096 },
      this.rows,
    )
    return this.journal
  }

  commit(...records: DurableRecord[]) {
    const plan = planned(this.journal, records)
    for (const [first, last] of plan.folded?.ranges ?? []) {
      const isTaken = ([key]: KeyedJournalRow) =>
        key[0] === first[0] && key[1] >= first[1] && key[1] <= last[1]
      this.rows.splice(0, this.rows.length, ...this.rows.filter((row) => !isTaken(row)))
    }
    this.rows.push(...plan.rows)
    this.journal.written(plan)
    return plan
  }
}

function planned(journal: Journal, records: readonly DurableRecord[]) {
  const changes = { records, kept: [] }
  return journal.plan(changes, journal.foldsFor(changes)[0] ?? 'nothing')
}

describe('the journal', () => {
  it('is one row for each commit, and the last value of each row', () => {
    const context = new JournalContext(64)
    expect(context.commit(offset(1), topic(1)).folded).toBeUndefined()
    expect(context.commit(offset(2)).key).toEqual([7, 2])
    expect([...context.journal.pending.values()]).toEqual([offset(2), topic(1)])
  })

  it('gives the number of a commit that failed to the next', () => {
    const { journal } = new JournalContext(64)
    const failed = planned(journal, [offset(1)])
    const next = planned(journal, [offset(2)])
    expect(next.key).toEqual(failed.key)
    expect(next.commitId).not.toBe(failed.commitId)
    expect([...journal.pending]).toEqual([])
  })

  it('is written out after so many commits, with the commit that does it', () => {
    const context = new JournalContext(3)
    for (const value of [1, 2, 3]) expect(context.commit(offset(value)).folded).toBeUndefined()
    const { folded, rows } = context.commit(offset(4), topic(1))
    expect(folded?.records).toEqual([offset(4), topic(1)])
    expect(rows.map(([, row]) => row.records)).toEqual([[]])
    expect(context.rows.map(([key]) => key)).toEqual([[7, 4]])
    expect([...context.journal.pending]).toEqual([])
    // What follows takes the row of the commit that wrote it out away with its own.
    for (const value of [5, 6]) expect(context.commit(offset(value)).folded).toBeUndefined()
    expect(context.commit(topic(null)).folded?.records).toEqual([offset(6), topic(null)])
    expect(context.rows.map(([key]) => key)).toEqual([[7, 7]])
  })

  it('is written out before a commit of very many rows', () => {
    const context = new JournalContext(64)
    const many = Array.from({ length: 65_000 }, (_, id) => offsetRecord('g', id, 1) as RowRecord)
    expect(context.commit(...many).folded).toBeUndefined()
    expect(context.commit(...many.slice(0, 1_000)).folded?.records).toHaveLength(65_000)
  })

  it('goes on from what is on the disk, that of earlier brokers included', () => {
    const context = new JournalContext(4, [
      [[4, 12], { commitId: 40, records: [topic(1)] }],
      [[4, 13], { commitId: 41, records: [offset(1)] }],
      [[6, 1], { commitId: 1, records: [offset(2)] }],
    ])
    expect([...context.journal.pending.values()]).toEqual([topic(1), offset(2)])
    expect(context.commit(offset(3)).key).toEqual([7, 1])
    expect(planned(context.load(), []).commitId).toBe(2)
    const { folded, key } = context.commit()
    expect(key).toEqual([7, 2])
    expect(folded?.records).toEqual([topic(1), offset(3)])
    // Not beyond: the row after the last is where a newer broker has ended the older one.
    expect(folded?.ranges).toEqual([
      [
        [4, 12],
        [4, 13],
      ],
      [
        [6, 1],
        [6, 1],
      ],
      [
        [7, 1],
        [7, 1],
      ],
    ])
  })
})
