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
    page: PAGE,
    port: PORT,
    minify: !isReadable,
    alias: isReadable ? [] : [ofDist],
    headers: ISOLATION,
  })
}

/** Bytes that a page downloads, compressed: all of the client, minified as by an app, and the worker. */
export async function sizes(): Promise<{ readonly client: number; readonly worker: number }> {
  const client = await rolldown({
    cwd: ROOT,
    input: 'dist/src/index.js',
    platform: 'browser',
    transform: { target: 'es2022' },
  })
  const { output } = await client.generate({ format: 'esm', codeSplitting: false, minify: true })
  await client.close()
  return {
    client: compressedBytes(Buffer.from(output[0].code)),
    worker: compressedBytes(readFileSync(join(ROOT, 'dist/worker/shared-worker.js'))),
  }
}

function compressedBytes(code: Buffer): number {
  return brotliCompressSync(code).length
}
