/** What is typed into forms, and how what is there is written. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { errorText } from '../../src/console/format/error-text.js'
import {
  formatBytes,
  formatDuration,
  formatQuantity,
  formatRate,
  formatTimestamp,
} from '../../src/console/format/format.js'
import { partitionsText } from '../../src/console/groups/assignment-text.js'
import type { MessageRow } from '../../src/console/messages/message-row.js'
import { previewText } from '../../src/console/messages/message-text.js'
import { toNdjson } from '../../src/console/messages/ndjson.js'
import { EMPTY_MESSAGE, toMessage, type KeyKind } from '../../src/console/messages/typed-message.js'
import { isMoving, RateMeter } from '../../src/console/session/rates.js'
import {
  configToText,
  durationText,
  parseDuration,
  textToConfig,
} from '../../src/console/topics/topic-config-fields.js'
import { TabmqError, type ClusterState } from '../../src/index.js'

describe('durations', () => {
  test.each([
    ['90s', 90_000],
    [' 7 d ', 604_800_000],
    ['250', 250],
    ['1.5h', 5_400_000],
    ['2min', 120_000],
    ['2m', 120_000],
    ['soon', undefined],
    ['-1s', undefined],
    ['', undefined],
    ['99999999999999999d', undefined],
  ])('“%s” is %s ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  test('are written as they can be read', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e12 }), (ms) => {
        expect(parseDuration(durationText(ms))).toBe(ms)
      }),
    )
  })
})

test('a config is typed as it was shown', () => {
  const config = {
    retentionMs: 90_000,
    retentionBytes: null,
    maxMessageBytes: 5_000,
    dedupWindowMs: null,
  }
  expect(textToConfig(configToText(config))).toEqual({ config, errors: {} })
  const typed = { retention: 'x', retentionBytes: '-1', maxMessageBytes: '', dedupWindow: '1 week' }
  expect(Object.keys(textToConfig(typed).errors)).toEqual([
    'retention',
    'retentionBytes',
    'maxMessageBytes',
    'dedupWindow',
  ])
})

describe('a message is typed', () => {
  test('with all that it can have', () => {
    const { message, errors } = toMessage({
      key: 'k',
      keyKind: 'text',
      kind: 'json',
      value: '{"at":{"$date":"2026-01-01T00:00:00.000Z"}}',
      headers: 'a: b\n\n trace: x:y\na: c',
      partition: '2',
      delay: '90s',
      ttl: '1h',
      priority: '3',
      messageId: 'm',
    })
    expect(errors).toEqual({})
    expect(message).toEqual({
      key: 'k',
      value: { at: new Date('2026-01-01') },
      headers: { a: ['b', 'c'], trace: 'x:y' },
      partition: 2,
      delayMs: 90_000,
      ttlMs: 3_600_000,
      priority: 3,
      messageId: 'm',
    })
  })

  test('as text, as bytes, as nothing', () => {
    const of = (part: object) => toMessage({ ...EMPTY_MESSAGE, ...part }).message
    expect(of({ kind: 'text', value: '{' })).toEqual({ value: '{', headers: {} })
    expect(of({ kind: 'hex', value: 'c0 ff' }).value).toEqual(Uint8Array.of(0xc0, 0xff))
    expect(of({ kind: 'null', value: 'x' }).value).toBeNull()
  })

  test('with any key there can be', () => {
    const of = (key: string, keyKind: KeyKind) => toMessage({ ...EMPTY_MESSAGE, key, keyKind })
    expect(of('', 'text').message).not.toHaveProperty('key')
    expect(of('ignored', 'empty').message.key).toBe('')
    expect(of('ff 00', 'hex').message.key).toEqual(Uint8Array.of(0xff, 0))
    expect(of('f', 'hex').errors.key).toBeDefined()
  })

  test('wrongly, and told where', () => {
    const { errors } = toMessage({
      ...EMPTY_MESSAGE,
      value: '{"a":',
      headers: 'a: b\nc',
      delay: 'later',
      priority: 'high',
    })
    expect(Object.keys(errors).toSorted()).toEqual(['delay', 'headers', 'priority', 'value'])
    expect(errors.headers).toContain('Line 2')
    expect(toMessage({ ...EMPTY_MESSAGE, kind: 'hex', value: 'abc' }).errors.value).toBeDefined()
  })
})

describe('messages', () => {
  const row: MessageRow = {
    type: 'message',
    partition: 1,
    offset: 7,
    timestamp: 5,
    key: 'k',
    value: { a: 'x\ny' },
    headers: { h: 'v' },
    codec: 'structured',
  }

  test('are exported as one line each, with what JSON has no word for', () => {
    const failed = new TabmqError('UNSUPPORTED_CODEC', 'none', {})
    const lines = toNdjson('orders', [
      row,
      { ...row, offset: 8, value: Uint8Array.of(1), undecoded: failed },
    ])
    expect(
      lines.every((line) => line.endsWith('\n') && line.indexOf('\n') === line.length - 1),
    ).toBe(true)
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      {
        topic: 'orders',
        partition: 1,
        offset: 7,
        timestamp: 5,
        key: 'k',
        headers: { h: 'v' },
        codec: 'structured',
        value: { a: 'x\ny' },
      },
      {
        topic: 'orders',
        partition: 1,
        offset: 8,
        timestamp: 5,
        key: 'k',
        headers: { h: 'v' },
        codec: 'structured',
        undecoded: 'UNSUPPORTED_CODEC',
        bytes: { $bytes: 'AQ==' },
      },
    ])
  })

  test('are shown on one short line', () => {
    expect(previewText(row)).toBe('{"a":"x\\ny"}')
    expect(previewText({ ...row, value: 'x\n\ty' })).toBe('x y')
    expect(previewText({ ...row, value: 'x'.repeat(1e6) })).toHaveLength(300)
    expect(previewText({ ...row, value: null })).toBe('null (tombstone)')
    expect(previewText({ ...row, value: new Uint8Array(1_500) })).toBe('bytes: 1.5 kB')
    expect(previewText({ ...row, value: new TextEncoder().encode('{"a":1}') })).toBe('{"a":1}')
    expect(previewText({ ...row, value: Uint8Array.of(0x7b, 0, 1) })).toBe('bytes: 3 bytes')
    expect(previewText({ ...row, value: '\u202Eevil' })).toBe('\\u202eevil')
  })
})

test('numbers are written for people', () => {
  expect(formatBytes(1)).toBe('1 byte')
  expect(formatBytes(999)).toBe('999 bytes')
  expect(formatBytes(1_048_576)).toBe('1.0 MB')
  expect(formatQuantity(1, 'message')).toBe('1 message')
  expect(formatQuantity(1_234, 'message')).toBe('1,234 messages')
  expect(formatRate(0)).toBe('0/s')
  expect(formatRate(0.25)).toBe('0.3/s')
  expect(formatRate(12_345.6)).toBe('12,346/s')
  expect(formatDuration(450)).toBe('450 ms')
  expect(formatDuration(7_500_000)).toBe('2 h 5 min')
  expect(formatDuration(604_800_000)).toBe('7 d')
  expect(formatTimestamp(new Date(2026, 0, 2, 3, 4, 5, 6).getTime())).toBe(
    '2026-01-02 03:04:05.006',
  )
  expect(formatTimestamp(Number.MAX_SAFE_INTEGER)).toBe(String(Number.MAX_SAFE_INTEGER))
  const partition = (topic: string, partition: number) => ({ topic, partition })
  expect(
    partitionsText([partition('b', 1), partition('a', 2), partition('a', 0), partition('a', 1)]),
  ).toBe('b 1; a 0–2')
  expect(partitionsText([])).toBe('none')
})

test('errors of any copy of the library are told with their code', () => {
  const error = Object.assign(new Error('it is full'), { code: 'STORAGE_FULL' })
  expect(errorText(error)).toBe(
    'There is no space left: delete messages or topics. it is full (STORAGE_FULL)',
  )
  expect(errorText('no')).toBe('no')
})

describe('rates', () => {
  interface Seen {
    readonly incarnation?: string
    readonly members?: number
    readonly committed?: readonly (number | undefined)[]
  }

  function state(atMs: number, end: number, seen: Seen = {}): ClusterState {
    const { incarnation = 'one', members = 1, committed = [end / 2] } = seen
    const partitions = [{ logEndOffset: end }, { logEndOffset: 2 * end }]
    const offsets = committed.map((committedOffset, partition) => ({
      topic: 'orders',
      partition,
      committedOffset,
    }))
    return {
      incarnation,
      atMs,
      topics: [{ topicId: 't', partitions }],
      groups: [{ groupId: 'g', offsets, members: Array.from({ length: members }) }],
    } as unknown as ClusterState
  }

  test('are of the last seconds', () => {
    const meter = new RateMeter()
    expect(meter.next(state(0, 100)).topics.size).toBe(0)
    expect(meter.next(state(1_000, 200)).topics.get('t')).toBe(300)
    expect(meter.next(state(1_000, 200)).groups.get('g')).toBe(50)
    for (let second = 2; second < 20; second++) meter.next(state(second * 1_000, 200))
    expect(meter.next(state(20_000, 200)).topics.get('t')).toBe(0)
  })

  test('are not of offsets that were set back, nor over a change of brokers', () => {
    const meter = new RateMeter()
    meter.next(state(0, 100))
    expect(meter.next(state(1_000, 50)).groups.get('g')).toBe(0)
    expect(meter.next(state(2_000, 1_000, { incarnation: 'two' })).topics.size).toBe(0)
    expect(meter.next(state(1_500, 1_000, { incarnation: 'two' })).topics.size).toBe(0)
  })

  test('fall to nothing when no state comes any more, and are not thinned by a silence before', () => {
    const meter = new RateMeter()
    meter.next(state(0, 0))
    const rates = meter.next(state(60_000, 400))
    expect(rates.topics.get('t')).toBe(300)
    expect(isMoving(rates)).toBe(true)
    expect(meter.at(62_000).topics.get('t')).toBe(300)
    const later = meter.at(64_000)
    expect(later).toEqual({ topics: new Map([['t', 0]]), groups: new Map([['g', 0]]) })
    expect(isMoving(later)).toBe(false)
    // The broker's clock and this one need not agree to the millisecond.
    expect(meter.next(state(63_990, 800)).topics.get('t')).toBeGreaterThan(0)
  })

  test('are not of offsets that an empty group was given, nor of those where one begins', () => {
    const rateOf = (...seen: readonly Seen[]) => {
      const meter = new RateMeter()
      const rates = seen.map((one, second) => meter.next(state(second * 1_000, 10, one)))
      return rates.at(-1)?.groups.get('g')
    }
    expect(rateOf({ members: 0, committed: [0] }, { members: 0, committed: [500] })).toBe(0)
    expect(rateOf({ committed: [undefined] }, { committed: [500] })).toBe(0)
    // What a member did is work, though it has left since or another partition was set back.
    expect(rateOf({ committed: [0] }, { members: 0, committed: [500] })).toBe(500)
    expect(rateOf({ committed: [0, 900] }, { committed: [500, 100] })).toBe(500)
  })
})
