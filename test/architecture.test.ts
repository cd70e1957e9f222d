/**
 * Holds the sources against the table of test/architecture.ts, and the checker itself against
 * sources that break its rules.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { findBreaches, type SourceFile } from './architecture.js'

const root = fileURLToPath(new URL('..', import.meta.url))

function readSources(): SourceFile[] {
  return ['src', 'worker', 'demo'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.tsx?$/.test(path))
      .map((path) => ({
        path: `${folder}/${path.replaceAll('\\', '/')}`,
        text: readFileSync(join(root, folder, path), 'utf8'),
      })),
  )
}

function breachesOf(path: string, text: string): string[] {
  return findBreaches([{ path, text }])
}

test('the sources keep to the architecture', () => {
  const sources = readSources()
  expect(sources.length).toBeGreaterThan(0)
  expect(findBreaches(sources)).toEqual([])
})

describe('import directions', () => {
  test.each([
    ['src/std/a.ts', '../protocol/names.js'],
    ['src/protocol/a.ts', '../codec/codec.js'],
    ['src/codec/a.ts', '../broker/ports.js'],
    ['src/broker/a.ts', './runtime/dispatch.js'],
    ['src/broker/group/a.ts', '../../codec/codec.js'],
    ['src/broker/runtime/a.ts', '../../client/connect.js'],
    ['src/client/a.ts', '../broker/ports.js'],
    ['src/client/a.ts', '../../worker/index.js'],
    ['src/client/a.ts', '../index.js'],
    ['src/index.ts', './testing/index.js'],
    ['src/testing/a.ts', '../../worker/index.js'],
    ['worker/a.ts', '../src/client/connect.js'],
    ['worker/a.ts', '../src/index.js'],
    ['demo/a.ts', '../src/client/connect.js'],
    ['demo/a.ts', '../test/sim/run.js'],
    ['demo/a.ts', '../src/console/tabmq-console.js'],
    ['src/index.ts', './console/index.js'],
    ['src/console/a.tsx', '../client/tabmq.js'],
  ])('%s may not import %s', (path, specifier) => {
    expect(breachesOf(path, `import { x } from '${specifier}'`)).toHaveLength(1)
  })

  test.each([
    ['src/protocol/a.ts', '../std/assert.js'],
    ['src/broker/group/a.ts', '../../protocol/names.js'],
    ['src/broker/runtime/a.ts', '../ports.js'],
    ['src/client/a.ts', '../codec/codec.js'],
    ['src/index.ts', './client/connect.js'],
    ['src/testing/a.ts', '../broker/runtime/dispatch.js'],
    ['src/testing/a.ts', '../index.js'],
    ['worker/a.ts', '../src/broker/ports.js'],
    ['demo/a.ts', '../src/index.js'],
    ['demo/a.ts', '../src/console/index.js'],
    ['src/console/a.tsx', '../index.js'],
    ['src/console/topics/a.tsx', '../parts/dialog.js'],
    ['src/console/index.ts', './tabmq-console.js'],
    ['demo/a.ts', './style.css'],
  ])('%s may import %s', (path, specifier) => {
    expect(breachesOf(path, `import { x } from '${specifier}'`)).toEqual([])
  })

  test.each([
    ['src/broker/a.ts', 'idb'],
    ['src/broker/runtime/a.ts', 'comlink'],
    ['src/client/a.ts', 'idb'],
    ['src/codec/a.ts', 'comlink'],
    ['src/protocol/a.ts', 'msgpackr'],
    ['src/testing/a.ts', 'fake-indexeddb'],
    ['worker/a.ts', 'msgpackr/index-no-eval'],
    ['demo/a.ts', 'comlink'],
  ])('%s may not import the package %s', (path, specifier) => {
    expect(breachesOf(path, `import { x } from '${specifier}'`)).toHaveLength(1)
  })

  test.each([
    ['src/client/a.ts', 'comlink'],
    ['src/codec/a.ts', 'msgpackr/index-no-eval'],
    ['worker/a.ts', 'idb'],
    ['demo/a.ts', 'papaparse'],
  ])('%s may import the package %s', (path, specifier) => {
    expect(breachesOf(path, `import { x } from '${specifier}'`)).toEqual([])
  })

  test.each([
    `import type { Port } from '../broker/ports.js'`,
    `import '../broker/ports.js'`,
    `export { type Port } from '../broker/ports.js'`,
    `export * from '../broker/ports.js'`,
    `const ports = import('../broker/ports.js')`,
    `type Port = import('../broker/ports.js').Port`,
  ])('every form of import counts: %s', (text) => {
    expect(breachesOf('src/client/a.ts', text)).toEqual([
      'src/client/a.ts:1: src/client/ may not import src/broker/ (../broker/ports.js)',
    ])
  })

  test('a relative import without its ending is found', () => {
    expect(breachesOf('src/client/a.ts', `import { x } from './b'`)).toEqual([
      'src/client/a.ts:1: a relative import ends in .js (./b)',
    ])
  })

  test('comlink has one file on each side', () => {
    const text = `\nimport { wrap } from 'comlink'`
    const one = { path: 'src/client/transport.ts', text }
    const two = { path: 'src/client/consumer.ts', text }
    const other = { path: 'worker/session.ts', text }
    expect(findBreaches([one, other])).toEqual([])
    expect(findBreaches([one, two, other])).toEqual([
      'src/client/transport.ts:2: one file of src/client/ may import comlink, ' +
        'not src/client/transport.ts, src/client/consumer.ts',
      'src/client/consumer.ts:2: one file of src/client/ may import comlink, ' +
        'not src/client/transport.ts, src/client/consumer.ts',
    ])
  })

  test('a file outside every area is found', () => {
    expect(breachesOf('src/utils.ts', '')).toHaveLength(1)
  })

  test('a file that does not parse is found', () => {
    expect(breachesOf('src/std/a.ts', 'const = 1')).not.toEqual([])
  })
})

describe('the pure core', () => {
  test.each([
    'export const now = Date.now()',
    'export const now = new Date()',
    'export const now = performance.now()',
    'export const id = crypto.randomUUID()',
    'export const id = globalThis.crypto',
    'export const n = Math.random()',
    `export const n = Math['random']()`,
    'export const { random } = Math',
    'export const f = Math[name]',
    'setTimeout(() => {}, 1)',
    'setInterval(() => {}, 1)',
    'queueMicrotask(() => {})',
    'console.log(1)',
    'export const locks = navigator.locks',
    'self.onconnect = null',
    'export const deps = { performance }',
    'export class A { now = Date.now }',
    'export const now = (Date as unknown as Clock).now()',
    'export function f(now = Date.now()) { return now }',
    'export const text = `${Date.now()}`',
  ])('std, protocol and broker may not contain: %s', (text) => {
    for (const folder of ['src/std', 'src/protocol', 'src/broker/log', 'src/broker/runtime']) {
      expect(breachesOf(`${folder}/a.ts`, text), folder).toHaveLength(1)
    }
    expect(breachesOf('src/client/a.ts', text)).toEqual([])
  })

  test.each([
    '// Date.now() and Math.random() are in a comment only',
    `export const text = 'Date.now()'`,
    'export const n = Math.floor(2.5)',
    'export interface Row { Date: number; performance: Performance; at: Date }',
    'export const a = row.performance + row.self',
    'export const row = { Date: 1, self: 2 }',
    'export class A { crypto() {} }',
    'export type Now = typeof Date.now',
  ])('it may contain: %s', (text) => {
    expect(breachesOf('src/broker/a.ts', text)).toEqual([])
  })

  test('a breach names file, line and rule', () => {
    expect(
      breachesOf('src/broker/log/a.ts', '/* one\ntwo */\n\nexport const a = Date.now()'),
    ).toEqual(['src/broker/log/a.ts:4: src/broker/ is pure, but uses Date'])
  })
})

describe('the synchronous core', () => {
  test.each([
    'export async function f() {}',
    'export const f = async () => {}',
    'export class A { async f() {} }',
    'export const o = { async *f() {} }',
    'export const p = Promise.resolve(1)',
    'export const p = new Promise(() => {})',
    'await f()',
    'export {}; for await (const x of xs) {}',
  ])('protocol and broker may not contain: %s', (text) => {
    for (const folder of ['src/protocol', 'src/broker', 'src/broker/group']) {
      expect(breachesOf(`${folder}/a.ts`, text), folder).toHaveLength(1)
    }
    for (const folder of ['src/std', 'src/broker/runtime', 'src/client']) {
      expect(breachesOf(`${folder}/a.ts`, text), folder).toEqual([])
    }
  })

  test('its ports may promise in their types', () => {
    const text = 'export interface Storage { load(): Promise<void> }\nexport type P = Promise<1>'
    expect(breachesOf('src/broker/ports.ts', text)).toEqual([])
  })
})
