import { describe, expect, it } from 'vitest'
import { Slice } from '../../demo/worker/slice.js'
import type { HandledRow } from '../../demo/ledger/ledger-row.js'

function message(offset: number, topicId = 'topic') {
  const headers = { 'topic-id': topicId }
  return { offset, timestamp: 0, key: null, value: offset, headers, messageId: `run.${offset}` }
}

/** A ledger whose rows are on disk when the test says so. */
class SlowLedger {
  readonly rows: HandledRow[] = []
  readonly resolved: number[] = []
  finish: () => void = () => {}
  fail: (error: Error) => void = () => {}

  slice(): Slice {
    return new Slice({
      partition: 2,
      tab: 1,
      run: 'run',
      epoch: 'unknown',
      notesKeys: false,
      append: (row) => {
        this.rows.push(row)
        return new Promise((resolve, reject) => {
          this.finish = resolve
          this.fail = reject
        })
      },
      resolveOffset: (offset) => this.resolved.push(offset),
    })
  }
}

describe('a slice', () => {
  it('resolves offsets only when its row is on disk', async () => {
    const ledger = new SlowLedger()
    const slice = ledger.slice()
    slice.add(message(0), 0)
    slice.add(message(1), 1)
    const written = slice.write()
    expect(ledger.rows).toEqual([
      expect.objectContaining({ epoch: 'topic', offsets: [0, 1], ids: ['run.0', 'run.1'] }),
    ])
    expect(ledger.resolved).toEqual([])
    ledger.finish()
    await written
    expect(ledger.resolved).toEqual([1])
  })

  it('resolves nothing when the row cannot be written', async () => {
    const ledger = new SlowLedger()
    const slice = ledger.slice()
    slice.add(message(0), 0)
    const written = slice.write()
    ledger.fail(new Error('full'))
    await expect(written).rejects.toThrow('full')
    await slice.write()
    slice.leave()
    expect(ledger.resolved).toEqual([])
  })

  it('is full after a while, and at the first message of another topic', () => {
    const slice = new SlowLedger().slice()
    expect(slice.isFull(message(0), 1_000)).toBe(false)
    slice.add(message(0), 1_000)
    expect(slice.isFull(message(1), 1_010)).toBe(false)
    expect(slice.isFull(message(1), 1_050)).toBe(true)
    expect(slice.isFull(message(1, 'another'), 1_010)).toBe(true)
  })

  it('hands everything over and resolves it at once when the page leaves', () => {
    const ledger = new SlowLedger()
    const slice = ledger.slice()
    slice.add(message(0), 0)
    slice.add(message(1), 0)
    slice.leave()
    expect(ledger.rows).toHaveLength(1)
    expect(ledger.resolved).toEqual([1])
  })

  it('does not write a row again that is on its way when the page leaves', async () => {
    const ledger = new SlowLedger()
    const slice = ledger.slice()
    slice.add(message(0), 0)
    const written = slice.write()
    slice.leave()
    ledger.finish()
    await written
    expect(ledger.rows).toHaveLength(1)
    expect(ledger.resolved).toEqual([0])
  })

  it('leaves what is not written to the next owner when the partition is lost', async () => {
    const ledger = new SlowLedger()
    const slice = ledger.slice()
    slice.add(message(0), 0)
    slice.drop()
    await slice.write()
    slice.leave()
    expect(ledger.rows).toEqual([])
    expect(ledger.resolved).toEqual([])
  })

  it('goes past a skipped message without a row', async () => {
    const ledger = new SlowLedger()
    const slice = ledger.slice()
    slice.skip(message(0))
    await slice.write()
    expect(ledger.rows).toEqual([])
    expect(ledger.resolved).toEqual([0])
  })
})
