/** The site that is measured: the bench's pages over dist/, bundled as an app's deployment is. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync } from 'node:zlib'
import { rolldown } from 'rolldown'
import { openBuiltSite, ROOT, type BuiltSite } from '../built-site.js'

export const PAGE = '/test/bench/page/index.html'
const PORT = 5197

/** Pages that share nothing with others have a clock that tells microseconds, not tenths of a ms. */
const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}

/** What the pages import from the sources comes from the package as it is published. */
const ofDist = {
  find: /^(?:\.\.\/)+src\/index\.js$/,
  replacement: join(ROOT, 'dist/src/index.js'),
}

/** `isReadable`: from the sources, with the names that they have, for a profile. */
export function openSite({ isReadable }: { isReadable: boolean }): Promise<BuiltSite> {
  return openBuiltSite({
    inputs: [PAGE],
    port: PORT,
    minify: !isReadable,
    alias: isReadable ? [] : [ofDist],
    headers: ISOLATION,
  })
}

/** Bytes that are downloaded, minified as by an app and compressed. */
export interface Sizes {
  /**
   * By a page that makes its topics, sends and receives: every file that its own imports, whatever it is
   * that they have in it.
   */
  readonly client: number
  /** What is loaded when it is first used, by the module with which it begins. */
  readonly later: ReadonlyMap<string, number>
  readonly worker: number
}

export async function sizes(): Promise<Sizes> {
  const page = `import { Tabmq } from '${join(ROOT, 'dist/src/index.js')}'\nglobalThis.mq = new Tabmq()`
  const bundle = await rolldown({
    cwd: ROOT,
    input: 'page',
    platform: 'browser',
    preserveEntrySignatures: false,
    transform: { target: 'es2022' },
    plugins: [
      {
        name: 'page',
        resolveId: (id) => (id === 'page' ? id : undefined),
        load: (id) => (id === 'page' ? page : undefined),
      },
    ],
  })
  const { output } = await bundle.generate({ format: 'esm', minify: true })
  await bundle.close()
  const chunks = new Map(
    output.flatMap((one) => (one.type === 'chunk' ? [[one.fileName, one] as const] : [])),
  )
  const isAtOnce = new Set([...chunks.values()].filter((one) => one.isEntry))
  for (const chunk of isAtOnce) {
    for (const name of chunk.imports) {
      const imported = chunks.get(name)
      if (imported !== undefined) isAtOnce.add(imported)
    }
  }
  const bytes = ({ code }: { code: string }) => compressedBytes(Buffer.from(code))
  const later = [...chunks.values()].filter((one) => !isAtOnce.has(one))
  return {
    client: [...isAtOnce].reduce((sum, one) => sum + bytes(one), 0),
    later: new Map(later.map((one) => [one.name, bytes(one)])),
    worker: compressedBytes(readFileSync(join(ROOT, 'dist/worker/shared-worker.js'))),
  }
}

function compressedBytes(code: Buffer): number {
  return brotliCompressSync(code).length
}
