/** Whatever a user can import says what it is: exports, and the public methods of exported classes. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path/posix'
import { fileURLToPath } from 'node:url'
import { parseSync } from 'rolldown/utils'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

test.each(['src/index.ts', 'src/testing/index.ts', 'src/console/index.ts'])(
  'each export of %s has a doc comment',
  (path) => {
    const exported = exportsOf(path)
    expect(exported.length).toBeGreaterThan(0)
    expect(exported.flatMap(undocumentedIn)).toEqual([])
  },
)

test.each([
  ['export interface A {}', ['a.ts: A']],
  ['/** What it is. */\nexport interface A {}', []],
  ['/** What it is. */\nexport const A = 1', []],
  ['/** Of another. */\nconst B = 1\nexport type A = 1', ['a.ts: A']],
  ['// No doc.\nexport function A() {}', ['a.ts: A']],
  ['/** This. */ export class A { run() {} }', ['a.ts: A.run']],
  ['/** This. */ export class A { #run() {} private go() {} constructor() {} }', []],
  ['/** This. */ export class A { /** That. */ get size() { return 1 } }', []],
  ['/** This. */ export class A { [Symbol.asyncDispose]() {} }', []],
  ['', ['a.ts: A is not declared here']],
])('the check itself: %s', (text, missing) => {
  expect(undocumented({ path: 'a.ts', text }, 'A')).toEqual(missing)
})

interface Node {
  readonly type: string
  readonly start: number
  readonly [key: string]: unknown
}

interface Export {
  /** The file that declares it. */
  readonly path: string
  readonly name: string
}

function exportsOf(path: string): Export[] {
  return bodyOf(path, read(path)).flatMap((node) => {
    if (node.type !== 'ExportNamedDeclaration') return []
    const declared = nodeAt(node, 'declaration')
    if (declared !== undefined) return [{ path, name: nameOf(declared) }]
    const source = String(nodeAt(node, 'source')?.['value']).replace(/\.js$/, '.ts')
    return nodesAt(node, 'specifiers').map((specifier) => ({
      path: join(path, '..', source),
      name: String(nodeAt(specifier, 'local')?.['name']),
    }))
  })
}

function undocumentedIn({ path, name }: Export): string[] {
  return undocumented({ path, text: read(path) }, name)
}

function undocumented({ path, text }: { path: string; text: string }, name: string): string[] {
  const declaration = bodyOf(path, text).find((node) => {
    const declared = nodeAt(node, 'declaration')
    return declared !== undefined && nameOf(declared) === name
  })
  if (declaration === undefined) return [`${path}: ${name} is not declared here`]
  const { comments } = parseSync(path, text)
  const isDocumented = ({ start }: Node) =>
    comments.some(
      ({ type, value, end }) =>
        type === 'Block' && value.startsWith('*') && text.slice(end, start).trim() === '',
    )
  const methods = publicMethodsOf(declaration).filter((method) => !isDocumented(method))
  return [
    ...(isDocumented(declaration) ? [] : [`${path}: ${name}`]),
    ...methods.map((method) => `${path}: ${name}.${String(nodeAt(method, 'key')?.['name'])}`),
  ]
}

/** Neither `#private` ones nor constructors, nor those whose name is computed and says it all. */
function publicMethodsOf(declaration: Node): Node[] {
  const body = nodeAt(nodeAt(declaration, 'declaration'), 'body')
  return nodesAt(body, 'body').filter(
    (member) =>
      member.type === 'MethodDefinition' &&
      member['kind'] !== 'constructor' &&
      member['computed'] !== true &&
      member['accessibility'] !== 'private' &&
      nodeAt(member, 'key')?.type === 'Identifier',
  )
}

function nameOf(declaration: Node): string {
  const [declarator = declaration] = nodesAt(declaration, 'declarations')
  return String(nodeAt(declarator, 'id')?.['name'])
}

function bodyOf(path: string, text: string): Node[] {
  return nodesAt(parseSync(path, text).program as unknown as Node, 'body')
}

function nodeAt(node: Node | undefined, key: string): Node | undefined {
  const value = node?.[key]
  return typeof value === 'object' && value !== null ? (value as Node) : undefined
}

function nodesAt(node: Node | undefined, key: string): Node[] {
  const value = node?.[key]
  return Array.isArray(value) ? (value as Node[]) : []
}

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}
