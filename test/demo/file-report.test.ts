import { describe, expect, it } from 'vitest'
import { FileError } from '../../demo/files/row-reader.js'
import { GroupError } from '../../demo/sending/file-sender.js'
import { describeFileFailure, describeProblems } from '../../demo/views/file-report.js'
import { parseValue } from '../../demo/views/parse-value.js'
import { describeVerdict } from '../../demo/views/describe-verdict.js'
import { describeEvent, RebalanceLog } from '../../demo/worker/rebalance-log.js'
import { TabmqError } from '../../src/index.js'

const fine = {
  sent: 0,
  handled: 0,
  waiting: 0,
  lost: 0,
  twice: 0,
  outOfOrder: 0,
  mixedUp: 0,
  unconfirmed: 0,
}
const verdict = (
  counts: Partial<typeof fine>,
  findings: Parameters<typeof describeVerdict>[0]['findings'] = [],
) => describeVerdict({ counts: { ...fine, ...counts }, findings, handledByTab: new Map() })

describe('what is said of a file', () => {
  it('names the file, the line and the code', () => {
    expect(describeFileFailure('a.csv', new FileError('The file is empty.'))).toBe(
      'a.csv: The file is empty.',
    )
    const cause = new TabmqError('STORAGE_FULL', 'no room')
    expect(describeFileFailure('a.csv', new GroupError(1_501, cause))).toBe(
      'a.csv: from line 1,501 on, rows were not sent. STORAGE_FULL – no room',
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

describe('what is said of the checker', () => {
  it('tells good from not yet', () => {
    expect(verdict({})).toBe('Nothing sent yet.')
    expect(verdict({ sent: 3, handled: 1, waiting: 2 })).toBe('All in order so far.')
    expect(verdict({ sent: 3, handled: 3 })).toBe('Each message was handled once, and in order.')
  })

  it('names what is wrong and where', () => {
    const lost = { what: 'lost', partition: 2, offset: 40, tab: undefined } as const
    const twice = { what: 'twice', partition: 1, offset: 7, tab: 3 } as const
    expect(verdict({ sent: 9, lost: 1, twice: 1 }, [lost, twice])).toBe(
      'Lost: partition 2, offset 40. Handled twice: partition 1, offset 7, again by Tab 3.',
    )
  })
})

describe('what is said of partitions that move', () => {
  it('is a sentence, the newest first', () => {
    const log = new RebalanceLog()
    log.note('joined', [], 1)
    log.note('assigned', [4, 1], 2)
    log.note('assigned', [], 3)
    log.note('revoked', [4], 4)
    expect(log.events.map(describeEvent)).toEqual([
      'handed over partition 4',
      'was given partitions 1, 4',
      'joined the group',
    ])
  })
})

describe('a value typed by hand', () => {
  it('is JSON where it is JSON, else text', () => {
    expect(parseValue('{"a":1}')).toEqual({ value: { a: 1 }, wasText: false })
    expect(parseValue('hello')).toEqual({ value: 'hello', wasText: true })
  })
})
