import { describe, expect, it } from 'vitest'
import { fileKindOf } from '../../demo/files/file-kind.js'
import { previewFile, readFile } from '../../demo/files/read-file.js'
import { textSlices } from '../../demo/files/text-slices.js'

async function textOf(content: BlobPart, sliceBytes: number): Promise<string> {
  let all = ''
  for await (const { text } of textSlices(new Blob([content]), sliceBytes)) all += text
  return all
}

async function failureOf(content: BlobPart, name: string): Promise<string> {
  try {
    await previewFile(new Blob([content]), name)
    return 'no failure'
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

describe('text slices', () => {
  it('keeps characters whole that lie across two slices', async () => {
    const text = 'aä€😀z'.repeat(5)
    for (const sliceBytes of [1, 2, 3, 7]) expect(await textOf(text, sliceBytes)).toBe(text)
  })

  it('makes every line end a line feed, also across two slices', async () => {
    for (const sliceBytes of [1, 2, 3, 100]) {
      expect(await textOf('a\r\nb\rc\nd\r\n\r\ne\r', sliceBytes)).toBe('a\nb\nc\nd\n\ne\n')
    }
  })

  it('reads UTF-16 with its mark, and leaves out that of UTF-8', async () => {
    const utf16 = new Uint8Array([0xff, 0xfe, 0x61, 0, 0xe4, 0])
    expect(await textOf(utf16, 3)).toBe('aä')
    expect(await textOf('\uFEFFa', 100)).toBe('a')
  })

  it('says after which line a file is no text any more', async () => {
    const bytes = new Uint8Array([...Buffer.from('one\ntwo\n'), 0xff, 0xff])
    await expect(textOf(bytes, 8)).rejects.toThrow('not a text file in UTF-8 after line 2')
  })
})

describe('the preview of a file', () => {
  it('finds the columns and the key', async () => {
    const lines = Array.from({ length: 40 }, (_, index) => `${index},S${index % 8},x`)
    const file = new Blob([['number,state,constant', ...lines].join('\n')])
    expect(await previewFile(file, 'a.csv')).toEqual({
      kind: 'csv',
      columns: ['number', 'state', 'constant'],
      keyColumn: 'state',
    })
  })

  it('says plainly why there is nothing to send', async () => {
    expect(await failureOf('', 'a.csv')).toContain('is empty')
    expect(await failureOf('\n \n', 'a.log')).toContain('nothing in it but blank lines')
    expect(await failureOf('a,b\n', 'a.csv')).toContain('no rows below its first')
    expect(await failureOf(new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0]), 'a.png')).toContain(
      'not a text file',
    )
    expect(await failureOf('[{"a":1},', 'a.json')).toContain('Line 1 is not valid JSON')
  })

  it('reads on from slice to slice', async () => {
    const text = Array.from({ length: 60_000 }, (_, index) => `line ${index}`).join('\n')
    const parts: number[] = []
    for await (const { rows } of readFile(new Blob([text]), 'text')) parts.push(rows.length)
    expect(parts.length).toBeGreaterThan(2)
    expect(parts.reduce((sum, length) => sum + length, 0)).toBe(60_000)
  })
})

describe('the kind of a file', () => {
  it('follows its name, and its first lines where the name leaves it open', () => {
    expect(fileKindOf('a.CSV', '')).toBe('csv')
    expect(fileKindOf('a.tsv', '')).toBe('tsv')
    expect(fileKindOf('a.jsonl', '')).toBe('ndjson')
    expect(fileKindOf('a.json', '[{"a":1}]')).toBe('json')
    expect(fileKindOf('a.json', '{"a":1}\n{"a":2}\n')).toBe('ndjson')
    expect(fileKindOf('a.json', '{\n"a":1}')).toBe('json')
    expect(fileKindOf('server.log', '{"level":"info"}\n{"level":"warn"}\n')).toBe('ndjson')
    expect(fileKindOf('server.log', '12:00 started\n')).toBe('text')
  })
})
