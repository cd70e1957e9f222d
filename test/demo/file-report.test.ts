import { describe, expect, it } from 'vitest'
import { FileError } from '../../demo/files/row-reader.js'
import { GroupError } from '../../demo/sending/file-sender.js'
import { describeFileFailure, describeProblems } from '../../demo/sending/file-report.js'
import { parseValue } from '../../demo/sending/parse-value.js'
import { describeError } from '../../demo/describe-error.js'
import type { ExplainedFinding } from '../../demo/ledger/ledger-count.js'
import { describeVerdict, kindOfVerdict } from '../../demo/shell/describe-verdict.js'
import { TabmqError } from '../../src/index.js'

const fine = {
  sent: 0,
  handled: 0,
  waiting: 0,
  lost: 0,
  passed: 0,
  twice: 0,
  afterCrash: 0,
  afterBroker: 0,
  afterGrowth: 0,
  afterSetBack: 0,
  expired: 0,
  foreign: 0,
  outOfOrder: 0,
  mixedUp: 0,
  unconfirmed: 0,
}
const verdict = (
  counts: Partial<typeof fine>,
  findings: Parameters<typeof describeVerdict>[0]['findings'] = [],
) => describeVerdict({ counts: { ...fine, ...counts }, findings })

function finding(given: Partial<ExplainedFinding>): ExplainedFinding {
  const nowhere = { partition: 0, firstOffset: 0, lastOffset: 0 }
  const nobody = { tab: undefined, before: undefined, crashedTab: undefined }
  const explained = { brokerDied: false, wasSetBack: false }
  return { what: 'twice', ...nowhere, ...nobody, ...explained, ...given }
}

describe('what is said of a file', () => {
  it('names the file, the line and the code', () => {
    expect(describeFileFailure('a.csv', new FileError('The file is empty.'))).toBe(
      'a.csv: The file is empty.',
    )
    const cause = new TabmqError('STORAGE_FULL', 'no room')
    expect(describeFileFailure('a.csv', new GroupError(1_501, cause))).toBe(
      'a.csv: from line 1,501 on, rows were not sent. No room. (STORAGE_FULL)',
    )
  })

  it('names the first problems and counts the others', () => {
    const problems = [{ line: 7, text: 'is odd' }]
    expect(describeProblems('a.csv', { problems: [], problemCount: 0 })).toBeUndefined()
    expect(describeProblems('a.csv', { problems, problemCount: 1 })).toBe('a.csv: Line 7 is odd.')
    expect(describeProblems('a.csv', { problems, problemCount: 3 })).toBe(
      'a.csv: Line 7 is odd. There are 2 more lines like this.',
    )
  })
})

describe('what is said of an error', () => {
  it('is what to do where that is known, and else the message with its code', () => {
    expect(describeError(new TabmqError('NON_EMPTY_GROUP', 'group "g" has 1 members'))).toBe(
      'Stop all workers first, then try again.',
    )
    expect(describeError(new TabmqError('STORAGE_ERROR', 'the disk is gone.'))).toBe(
      'The disk is gone. (STORAGE_ERROR)',
    )
    expect(describeError(new RangeError('too much'))).toBe('Too much. (RangeError)')
    expect(describeError('odd')).toBe('odd')
  })
})

describe('what is said of the checker', () => {
  it('tells good from not yet', () => {
    expect(verdict({})).toBe('Nothing sent yet.')
    expect(verdict({ sent: 3, handled: 1, waiting: 2 })).toBe('All in order so far.')
    expect(verdict({ sent: 3, handled: 3 })).toBe('Each message was handled once, and in order.')
  })

  it('says what a reset passed over', () => {
    expect(verdict({ sent: 3, handled: 1, passed: 2 })).toBe(
      'Each message was handled once, and in order. 2 messages were passed over by a reset.',
    )
  })

  it('names what is wrong and where', () => {
    const lost = finding({ what: 'lost', partition: 2, firstOffset: 40, lastOffset: 40 })
    const twice = finding({ partition: 5, firstOffset: 963, lastOffset: 978, tab: 3 })
    expect(verdict({ sent: 99, lost: 1, twice: 16 }, [lost, twice])).toBe(
      'Lost: partition 2, offset 40. Handled again: partition 5, offsets 963–978 (16 messages), by Tab 3.',
    )
    expect(verdict({ sent: 99, twice: 5 }, Array(5).fill(finding({})))).toMatch(
      /^(Handled again: [^.]+\. ){3}And at 2 more places\.$/,
    )
  })

  it('says of a crash that repeats are to be expected, and that nothing else is wrong', () => {
    const repeat = finding({ firstOffset: 3, lastOffset: 6, tab: 1, crashedTab: 3 })
    const counts = { sent: 9, handled: 9, twice: 4, afterCrash: 4 }
    const expected =
      'Tab 3 crashed before it could commit: its last 4 messages came again, as at-least-once delivery allows.'
    expect(verdict(counts, [repeat])).toBe(`${expected} All else was handled once, in order.`)
    expect(verdict({ ...counts, waiting: 2 }, [repeat])).toBe(
      `${expected} All else in order so far.`,
    )
    const other = finding({ partition: 1, firstOffset: 7, lastOffset: 7, tab: 2 })
    expect(verdict({ ...counts, twice: 5 }, [repeat, other])).toBe(
      `Handled again: partition 1, offset 7, by Tab 2. ${expected}`,
    )
  })

  it('says of a dead broker that repeats are to be expected', () => {
    const repeat = finding({ firstOffset: 3, lastOffset: 6, tab: 1, brokerDied: true })
    const counts = { sent: 9, handled: 9, twice: 4, afterBroker: 4 }
    expect(verdict(counts, [repeat])).toBe(
      'The broker died before 4 messages could be committed: they came again, as at-least-once delivery allows. All else was handled once, in order.',
    )
  })

  it('says of messages that their key has left behind that added partitions did it', () => {
    const overtaken = { ...finding({ firstOffset: 3, lastOffset: 4 }), what: 'overtaken' as const }
    const counts = { sent: 9, handled: 9, outOfOrder: 2, afterGrowth: 2 }
    expect(verdict(counts, [overtaken])).toMatch(
      /^Added partitions moved keys: 2 messages were handled after younger ones of the same key, /,
    )
    expect(kindOfVerdict({ counts: { ...fine, ...counts }, findings: [] })).toBe('explained')
    const more = { ...fine, ...counts, outOfOrder: 3 }
    expect(kindOfVerdict({ counts: more, findings: [] })).toBe('red')
  })

  it('is red unless a crash explains it', () => {
    const kind = (counts: Partial<typeof fine>) =>
      kindOfVerdict({ counts: { ...fine, ...counts }, findings: [] })
    expect(kind({})).toBe('none')
    expect(kind({ sent: 1 })).toBe('good')
    expect(kind({ sent: 1, twice: 2, afterCrash: 2 })).toBe('explained')
    expect(kind({ sent: 1, twice: 3, afterCrash: 2 })).toBe('red')
    expect(kind({ sent: 1, twice: 2, afterCrash: 2, lost: 1 })).toBe('red')
    expect(kind({ sent: 1, twice: 2, afterCrash: 2, outOfOrder: 1 })).toBe('red')
  })
})

describe('a value typed by hand', () => {
  it('is JSON where it is JSON, else text', () => {
    expect(parseValue('{"a":1}')).toEqual({ value: { a: 1 }, wasText: false })
    expect(parseValue('hello')).toEqual({ value: 'hello', wasText: true })
  })
})
