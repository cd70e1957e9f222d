/**
 * The rules of the architecture, as a table, and a checker that holds sources against it: which
 * folder may import which, which packages it may use, what the pure core must not touch, where
 * nothing may wait. The checker reads syntax trees, so comments, strings and types do not mislead
 * it: a type may mention Promise or Date, an expression may not.
 */
import { dirname, join } from 'node:path/posix'
import { parseSync } from 'rolldown/utils'

interface Area {
  /** A folder (with a slash at the end) or one file. The longest that matches a path counts. */
  readonly path: string
  /** The areas it may import besides itself. */
  readonly imports: readonly string[]
  readonly packages: readonly string[]
  /** No clock, timer, randomness or host of its own. */
  readonly pure?: true
  /** No async functions, await or promises: state changes happen within one turn. */
  readonly synchronous?: true
}

export const areas: readonly Area[] = [
  { path: 'src/std/', imports: [], packages: [], pure: true },
  {
    path: 'src/protocol/',
    imports: ['src/std/'],
    packages: [],
    pure: true,
    synchronous: true,
  },
  {
    path: 'src/codec/',
    imports: ['src/protocol/', 'src/std/'],
    packages: ['msgpackr'],
  },
  {
    path: 'src/broker/',
    imports: ['src/protocol/', 'src/std/'],
    packages: [],
    pure: true,
    synchronous: true,
  },
  {
    path: 'src/broker/runtime/',
    imports: ['src/broker/', 'src/protocol/', 'src/std/'],
    packages: [],
    pure: true,
  },
  {
    path: 'src/client/',
    imports: ['src/codec/', 'src/protocol/', 'src/std/'],
    packages: ['comlink'],
  },
  {
    path: 'src/index.ts',
    imports: ['src/client/', 'src/codec/', 'src/protocol/', 'src/std/'],
    packages: [],
  },
  { path: 'src/whole.ts', imports: ['src/client/', 'src/index.ts'], packages: [] },
  {
    path: 'src/testing/',
    imports: [
      'src/broker/',
      'src/broker/runtime/',
      'src/client/',
      'src/index.ts',
      'src/protocol/',
      'src/std/',
    ],
    packages: [],
  },
  {
    // Like an app: the public API, and a renderer of its own.
    path: 'src/console/',
    imports: ['src/index.ts'],
    packages: ['preact'],
  },
  {
    path: 'src/console/index.ts',
    imports: ['src/console/'],
    packages: [],
  },
  {
    path: 'worker/',
    imports: ['src/broker/', 'src/broker/runtime/', 'src/codec/', 'src/protocol/', 'src/std/'],
    packages: ['comlink', 'idb'],
  },
  // A worker of its own, as an app may have one.
  { path: 'demo/broker/', imports: ['worker/'], packages: [] },
  {
    path: 'demo/',
    imports: ['src/console/index.ts', 'src/index.ts'],
    packages: ['idb', 'papaparse', 'preact', 'uplot', 'vega-datasets'],
  },
]

/** Packages that one file of an area wraps for the rest of it. */
export const wrappedPackages = ['comlink']

const impureGlobals = new Set([
  'Date',
  'clearInterval',
  'clearTimeout',
  'console',
  'crypto',
  'globalThis',
  'navigator',
  'performance',
  'queueMicrotask',
  'self',
  'setInterval',
  'setTimeout',
])

export interface SourceFile {
  /** From the project's root, with forward slashes. */
  readonly path: string
  readonly text: string
}

/** Every breach of a rule, as `file:line: what is wrong`. */
export function findBreaches(files: readonly SourceFile[]): string[] {
  const modules = files.map((file) => ({ file, area: areaOf(file.path), ...readModule(file) }))
  const breaches = modules.flatMap(({ file, area, imports, uses, errors }) => {
    if (area === undefined) return [`${file.path}:1: no area of the architecture has this file`]
    return [
      ...errors,
      ...imports.flatMap((found) => importBreach(file, area, found)),
      ...uses.flatMap((found) => useBreach(file, area, found)),
    ]
  })

  for (const wrapped of wrappedPackages) {
    for (const area of areas) {
      const importers = modules.flatMap((module) => {
        const found = module.imports.find(({ specifier }) => packageOf(specifier) === wrapped)
        return module.area === area && found !== undefined ? [{ ...found, file: module.file }] : []
      })
      if (importers.length < 2) continue
      const paths = importers.map(({ file }) => file.path).join(', ')
      for (const { file, line } of importers) {
        breaches.push(
          `${file.path}:${line}: one file of ${area.path} may import ${wrapped}, not ${paths}`,
        )
      }
    }
  }
  return breaches
}

interface Found {
  readonly line: number
}

interface Import extends Found {
  readonly specifier: string
}

/** An expression that the core may not contain. */
interface Use extends Found {
  readonly breaks: 'pure' | 'synchronous'
  readonly what: string
}

function areaOf(path: string): Area | undefined {
  return areas
    .filter((area) => (area.path.endsWith('/') ? path.startsWith(area.path) : path === area.path))
    .sort((a, b) => b.path.length - a.path.length)[0]
}

function importBreach(file: SourceFile, area: Area, { specifier, line }: Import): string[] {
  const place = `${file.path}:${line}`
  if (!specifier.startsWith('.')) {
    const name = packageOf(specifier)
    if (area.packages.includes(name)) return []
    return [`${place}: ${area.path} may not import the package ${name}`]
  }

  const target = areaOf(join(dirname(file.path), specifier).replace(/\.js$/, '.ts'))
  if (target === undefined) return [`${place}: ${specifier} is in no area of the architecture`]
  if (target !== area && !area.imports.includes(target.path)) {
    return [`${place}: ${area.path} may not import ${target.path} (${specifier})`]
  }
  // What tsc emits runs without a bundler, which is where an ending that is left out would show.
  if (area.path !== 'demo/' && !specifier.endsWith('.js')) {
    return [`${place}: a relative import ends in .js (${specifier})`]
  }
  return []
}

function useBreach(file: SourceFile, area: Area, { breaks, what, line }: Use): string[] {
  if (area[breaks] !== true) return []
  return [`${file.path}:${line}: ${area.path} is ${breaks}, but uses ${what}`]
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

interface Node {
  readonly type: string
  readonly start: number
  readonly [key: string]: unknown
}

function readModule({ path, text }: SourceFile) {
  const { program, errors } = parseSync(path, text)
  const imports: Import[] = []
  const uses: Use[] = []
  const lineOf = (node: Node) => text.slice(0, node.start).split('\n').length

  const visit = (node: Node, inType: boolean): void => {
    const specifier = specifierOf(node)
    if (specifier !== undefined) imports.push({ specifier, line: lineOf(node) })
    if (!inType) {
      for (const use of usesOf(node)) uses.push({ ...use, line: lineOf(node) })
    }
    const childrenInType = inType || isTypeOnly(node)
    for (const [key, value] of Object.entries(node)) {
      if (isMereName(node, key)) continue
      for (const child of Array.isArray(value) ? (value as unknown[]) : [value]) {
        if (isNode(child)) visit(child, childrenInType)
      }
    }
  }
  visit(program as unknown as Node, false)
  return { imports, uses, errors: errors.map((error) => `${path}: ${error.message}`) }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value
}

/** What a static import, a re-export, a dynamic import or an `import('…')` type names. */
function specifierOf(node: Node): string | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
    case 'ImportExpression':
    case 'TSImportType':
      return stringOf(node['source'])
    default:
      return undefined
  }
}

function usesOf(node: Node): Omit<Use, 'line'>[] {
  switch (node.type) {
    case 'Identifier': {
      const name = String(node['name'])
      if (impureGlobals.has(name)) return [{ breaks: 'pure', what: name }]
      if (name === 'Promise') return [{ breaks: 'synchronous', what: name }]
      // Taking Math apart would hide what is taken; `Math.floor` and the like come in below.
      if (name === 'Math') return [{ breaks: 'pure', what: 'Math as a value' }]
      return []
    }
    case 'MemberExpression':
      return isMathMember(node) && memberName(node) === 'random'
        ? [{ breaks: 'pure', what: 'Math.random' }]
        : []
    case 'AwaitExpression':
      return [{ breaks: 'synchronous', what: 'await' }]
    case 'ForOfStatement':
      return node['await'] === true ? [{ breaks: 'synchronous', what: 'for await' }] : []
    case 'ImportExpression':
      return [{ breaks: 'synchronous', what: 'a dynamic import' }]
    case 'ArrowFunctionExpression':
    case 'FunctionDeclaration':
    case 'FunctionExpression':
      return node['async'] === true ? [{ breaks: 'synchronous', what: 'an async function' }] : []
    default:
      return []
  }
}

/** `Math.x` or `Math['x']`: the one way in which Math may be used. */
function isMathMember(node: Node): boolean {
  const object = node['object']
  return (
    node.type === 'MemberExpression' &&
    isNode(object) &&
    object['name'] === 'Math' &&
    memberName(node) !== undefined
  )
}

function memberName(node: Node): string | undefined {
  const property = node['property']
  if (!isNode(property)) return undefined
  return node['computed'] === true ? stringOf(property) : String(property['name'])
}

function stringOf(value: unknown): string | undefined {
  if (!isNode(value)) return undefined
  if (value.type === 'Literal' && typeof value['value'] === 'string') return value['value']
  return undefined
}

/** Expressions with a type beside them are not types; every other TypeScript node is. */
function isTypeOnly({ type }: Node): boolean {
  return (
    type.startsWith('TS') &&
    ![
      'TSAsExpression',
      'TSInstantiationExpression',
      'TSNonNullExpression',
      'TSParameterProperty',
      'TSSatisfiesExpression',
      'TSTypeAssertion',
    ].includes(type)
  )
}

/** Names that refer to nothing outside: `x.name`, `{ name: x }`, a method's, a label's, … */
function isMereName(node: Node, key: string): boolean {
  switch (node.type) {
    case 'MemberExpression':
      return (
        (key === 'property' && node['computed'] !== true) ||
        (key === 'object' && isMathMember(node))
      )
    case 'AccessorProperty':
    case 'MethodDefinition':
    case 'Property':
    case 'PropertyDefinition':
      return key === 'key' && node['computed'] !== true
    case 'BreakStatement':
    case 'ContinueStatement':
    case 'LabeledStatement':
      return key === 'label'
    case 'ImportSpecifier':
      return key === 'imported'
    case 'ExportSpecifier':
      return key === 'exported'
    default:
      return false
  }
}
