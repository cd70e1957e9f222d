import { describe, expect, it } from 'vitest'
import { parseTopicConfig } from '../../src/protocol/topic-config.js'
import { thrownBy } from './thrown.js'

describe('topic config', () => {
  it('may say everything, something or nothing', () => {
    const full = { retentionMs: 1, retentionBytes: 0, maxMessageBytes: 1, dedupWindowMs: 1 }
    expect(parseTopicConfig(full)).toEqual(full)
    expect(parseTopicConfig({ retentionMs: 5, retentionBytes: undefined })).toEqual({
      retentionMs: 5,
    })
    expect(parseTopicConfig({})).toEqual({})
  })

  it('takes null for no limit of retention, and for no window', () => {
    const unlimited = { retentionMs: null, retentionBytes: null, dedupWindowMs: null }
    expect(parseTopicConfig(unlimited)).toEqual(unlimited)
  })

  const wrong: Record<string, unknown>[] = [
    { retentionMs: 0 },
    { retentionMs: '7 days' },
    { retentionBytes: -1 },
    { retentionBytes: 1.5 },
    { maxMessageBytes: null },
    { maxMessageBytes: 0 },
    { dedupWindowMs: 0 },
    { dedupWindowMs: Infinity },
    { dedupWindowMs: '1 h' },
    { maxMessageBytes: 16 * 1024 * 1024 + 1 },
    { retentionms: 1 },
    { toString: 1 },
  ]
  it.each(wrong)('names the entry that is wrong: %o', (config) => {
    const error = thrownBy(() => parseTopicConfig(config))
    expect(error.code).toBe('INVALID_CONFIG')
    expect(error.details['config']).toBe(Object.keys(config)[0])
  })

  it('is an object', () => {
    const clones = [new Date(0), new Map([['retentionMs', 1]]), new Error('e'), new Uint8Array(0)]
    for (const config of [undefined, null, [], 'retentionMs=1', 1, ...clones]) {
      expect(thrownBy(() => parseTopicConfig(config)).code).toBe('INVALID_CONFIG')
    }
  })

  it('has no entries from a prototype that came along', () => {
    const hostile = JSON.parse('{"__proto__": {"retentionMs": 1}}') as unknown
    expect(thrownBy(() => parseTopicConfig(hostile)).code).toBe('INVALID_CONFIG')
  })
})
